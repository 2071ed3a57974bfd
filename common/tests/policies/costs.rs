//! What the largest policies that can be attached cost, by steps counted and never by the clock.

use std::sync::Arc;

use common::iam::policy::{
    Attached, LARGEST_MANAGED, Policies, Policy, PolicyKind, Question, STEPS, Source, Verdict,
    evaluate, size,
};
use common::iam::{Authority, Context};

/// As many managed policies as a user in ten groups may have.
const MOST: usize = 110;

/// Of these a decision is made, whatever stands in them that means something.
const MANY: usize = 40;

/// Policies of the largest size, filled with values that `value` makes, and what they cost.
fn cost(
    policies: usize,
    begin: &str,
    value: impl Fn(usize) -> String,
    end: &str,
    context: &Context,
) -> (Verdict, u64) {
    let mut text = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny",{begin}"#);
    let (mut at, mut values) = (0, Vec::new());
    let mut room = LARGEST_MANAGED - size(&text) - size(end) - 3;
    loop {
        let value = format!("\"{}\"", value(at));
        match room.checked_sub(value.len() + 1) {
            Some(left) => room = left,
            None => break,
        }
        values.push(value);
        at += 1;
    }
    text += &values.join(",");
    text += end;
    text += "}]}";
    assert!(size(&text) <= LARGEST_MANAGED, "{}", size(&text));
    let policy = Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap());
    let all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let all = Arc::new(Policy::parse(all, PolicyKind::Identity).unwrap());
    let attached = |policy: &Arc<Policy>| Attached {
        name: "p".to_owned(),
        source: Source::User("taro".to_owned()),
        policy: Arc::clone(policy),
    };
    let mut identity = vec![attached(&policy); policies - 1];
    identity.push(attached(&all));
    let owner = Authority::owner(&"123456789012".parse().unwrap(), "taro");
    let mut principal = owner.principal().clone();
    principal.kind = common::iam::PrincipalKind::User;
    let resource = "arn:aws:s3:::measurements-2026/stations/kyoto/day-0312/temperatures.csv";
    let question = Question { principal: &principal, action: "s3:GetObject", resource, context };
    let decision = evaluate(&Policies { identity: &identity, ..Policies::default() }, &question);
    (decision.verdict, decision.steps)
}

fn browser() -> Context {
    let agent = "aws-cli/1.22.34 Python/3.10.6 Linux/5.15.0 botocore/1.27.84";
    Context::new().with("aws:useragent", agent).with("aws:username", "taro")
}

#[test]
fn policies_that_mean_something_are_far_from_the_end() {
    let (any, known) = (r#""Action":"s3:*","Resource":["#, browser());
    let on_all = r#"],"Resource":"*""#;
    let agents = r#""Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":["#;
    type Value = fn(usize) -> String;
    let cases: [(&str, Value, &str); 6] = [
        (any, |at| format!("arn:aws:s3:::bucket-{at}"), "]"),
        (any, |at| format!("arn:aws:s3:::bucket-{at}/home/*"), "]"),
        (any, |at| format!("arn:aws:s3:::m*/stations/{at}/${{aws:username}}/*"), "]"),
        (any, |at| format!("arn:aws:s3:::measurements-????/*/day-{at}??/*.csv"), "]"),
        (r#""Action":["#, |at| format!("s3:Get*Thing{at}"), on_all),
        (agents, |at| format!("*browser-{at}*"), "]}}"),
    ];
    for (begin, value, end) in cases {
        let (verdict, steps) = cost(MANY, begin, value, end, &known);
        assert_eq!(verdict, Verdict::Allowed, "{steps} {}", value(0));
        assert!(steps < STEPS, "{steps} {}", value(0));
    }
}

#[test]
fn policies_that_mean_harm_end_and_the_answer_is_no() {
    let agents = |length: usize| Context::new().with("aws:UserAgent", "a".repeat(length));
    let begin = r#""Action":"*","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":["#;
    type Value = fn(usize) -> String;
    let cases: [Value; 4] = [
        |_| "*?ab*".to_owned(),
        |_| format!("*{}b*", "?a".repeat(500)),
        |_| format!("*{}b*", "a".repeat(1000)),
        |_| "${aws:UserAgent}${aws:UserAgent}b".to_owned(),
    ];
    for value in cases {
        let (verdict, steps) = cost(MOST, begin, value, "]}}", &agents(2048));
        // Nobody comes past a Deny by making it long.
        let given_up = steps == STEPS;
        assert_eq!(verdict == Verdict::ImplicitDeny, given_up, "{}", value(0));
        assert!(steps <= STEPS);
        let (_, steps) = cost(MOST, begin, value, "]}}", &agents(110_000));
        assert!(steps <= STEPS);
    }
}
