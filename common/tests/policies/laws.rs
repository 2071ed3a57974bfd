//! What must hold for all policies, tried on many that dice have thrown.

use common::iam::policy::{
    Policies, Policy, PolicyKind, Question, Verdict, evaluate, evaluate_assuming, limit,
};
use common::iam::{Context, PrincipalKind};

use crate::{IDENTITY, RESOURCE, TRUST, attached, document, principal, with};

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A statement of a vocabulary so small that much of it matches.
    fn statement(&mut self, effect: &str, on_resource: bool) -> String {
        let action = self.of(&["*", "s3:*", "s3:Get*", "s3:GetObject", "ec2:*", "s3:Put?bject"]);
        let of_action = self.of(&["Action", "Action", "Action", "NotAction"]);
        let resource = self.of(&[
            "*",
            "arn:aws:s3:::b/*",
            "arn:aws:s3:::${aws:username}/*",
            "arn:aws:s3:::?/k",
            "arn:aws:s3:::${k:none}",
        ]);
        let of_resource = self.of(&["Resource", "Resource", "Resource", "NotResource"]);
        let condition = self.of(&[
            "{}",
            "{}",
            "{}",
            r#"{"StringEquals":{"k:a":"x"}}"#,
            r#"{"StringNotEquals":{"k:a":["x","${k:b}"]}}"#,
            r#"{"ForAllValues:StringLike":{"k:b":"x*"}}"#,
            r#"{"ForAnyValue:NumericLessThan":{"k:b":"5"}}"#,
            r#"{"Null":{"k:a":"true"}}"#,
        ]);
        let whom = match on_resource {
            false => "",
            true => self.of(&[
                r#""Principal":"*","#,
                r#""Principal":{"AWS":"111122223333"},"#,
                r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/taro"},"#,
                r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/taro"},"#,
                r#""Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/taro/s1"},"#,
                r#""Principal":{"AWS":"444455556666"},"#,
            ]),
        };
        format!(
            r#"{{"Effect":"{effect}",{whom}"{of_action}":"{action}","{of_resource}":"{resource}","Condition":{condition}}}"#
        )
    }

    fn layer(&mut self, on_resource: bool) -> Vec<String> {
        let count = 1 + self.below(3);
        (0..count)
            .map(|_| {
                let effect = self.of(&["Allow", "Allow", "Allow", "Deny"]);
                self.statement(effect, on_resource)
            })
            .collect()
    }
}

/// Policies by their statements: identity, boundary, session, resource.
#[derive(Clone, Debug)]
struct World {
    layers: [Vec<Vec<String>>; 4],
    kind: PrincipalKind,
    action: &'static str,
    resource: &'static str,
    context: Context,
    other_account: bool,
}

impl World {
    fn thrown(dice: &mut Dice) -> Self {
        let mut layers: [Vec<Vec<String>>; 4] = Default::default();
        for (at, most) in [3, 1, 2, 1].into_iter().enumerate() {
            let count = dice.below(most + 1);
            layers[at] = (0..count).map(|_| dice.layer(at == 3)).collect();
        }
        let mut context = Context::new();
        for value in ["x", "y", "4", ""] {
            for key in ["k:a", "k:b"] {
                if dice.below(4) == 0 {
                    context = context.with(key, value);
                }
            }
        }
        Self {
            layers,
            kind: dice.of(&[PrincipalKind::User, PrincipalKind::Role, PrincipalKind::Owner]),
            action: dice.of(&["s3:GetObject", "s3:PutObject", "ec2:RunInstances"]),
            resource: dice.of(&["*", "arn:aws:s3:::b/k", "arn:aws:s3:::taro/k"]),
            context,
            other_account: dice.below(4) == 0,
        }
    }

    fn verdicts(&self) -> [Verdict; 2] {
        let read = |kind: PolicyKind| {
            move |statements: &Vec<String>| {
                let text = document(&format!("[{}]", statements.join(",")));
                attached("p", Policy::parse(&text, kind).unwrap_or_else(|e| panic!("{text}: {e}")))
            }
        };
        let [identity, boundary, session, resource] = &self.layers;
        let identity: Vec<_> = identity.iter().map(read(IDENTITY)).collect();
        let boundary: Vec<_> = boundary.iter().map(read(IDENTITY)).collect();
        let session: Vec<_> = session.iter().map(read(IDENTITY)).collect();
        let resource: Vec<_> = resource.iter().map(read(RESOURCE)).collect();
        let principal = principal(self.kind);
        let context = self.context.clone().and(&principal.context());
        let other = "444455556666".parse().unwrap();
        let policies = Policies {
            identity: &identity,
            boundary: boundary.first(),
            session: &session,
            resource: resource.first(),
            owner: self.other_account.then_some(&other),
        };
        let (action, resource) = (self.action, self.resource);
        let question = Question { principal: &principal, action, resource, context: &context };
        [evaluate(&policies, &question).verdict, evaluate_assuming(&policies, &question).verdict]
    }

    /// With one statement more, somewhere in a policy that is there.
    fn and(&self, effect: &str, dice: &mut Dice) -> Option<Self> {
        let mut more = self.clone();
        let at = dice.below(4);
        let policies = &mut more.layers[at];
        if policies.is_empty() {
            return None;
        }
        let policy = dice.below(policies.len());
        let statement = dice.statement(effect, at == 3);
        let into = dice.below(policies[policy].len() + 1);
        policies[policy].insert(into, statement);
        Some(more)
    }
}

#[test]
fn a_deny_never_allows_more_and_an_allow_never_denies_more() {
    let mut dice = Dice(11);
    let mut seen = [[0; 3]; 2];
    for round in 0..4000 {
        let world = World::thrown(&mut dice);
        let before = world.verdicts();
        before.iter().zip(&mut seen).for_each(|(verdict, seen)| {
            let at = match verdict {
                Verdict::Allowed => 0,
                Verdict::ExplicitDeny => 1,
                Verdict::ImplicitDeny => 2,
            };
            seen[at] += 1;
        });
        if let Some(more) = world.and("Deny", &mut dice) {
            for (was, is) in before.iter().zip(more.verdicts()) {
                assert!(is != Verdict::Allowed || *was == Verdict::Allowed, "{round}: {more:#?}");
                assert!(*was != Verdict::ExplicitDeny || is == *was, "{round}: {more:#?}");
            }
        }
        if let Some(more) = world.and("Allow", &mut dice) {
            for (was, is) in before.iter().zip(more.verdicts()) {
                assert!(*was != Verdict::Allowed || is == *was, "{round}: {more:#?}");
                assert!(is != Verdict::ExplicitDeny || *was == is, "{round}: {more:#?}");
            }
        }
        // A further policy for the identity is worth what its statements are worth.
        let mut more = world.clone();
        more.layers[0].push(vec![dice.statement("Allow", false)]);
        for (was, is) in before.iter().zip(more.verdicts()) {
            assert!(*was != Verdict::Allowed || is == *was, "{round}: {more:#?}");
        }
        // A boundary or session policy where there was none takes away only.
        for layer in [1, 2] {
            let mut less = world.clone();
            if less.layers[layer].is_empty() {
                less.layers[layer].push(dice.layer(false));
                for (was, is) in before.iter().zip(less.verdicts()) {
                    assert!(is != Verdict::Allowed || *was == is, "{round}: {less:#?}");
                }
            }
        }
    }
    assert!(seen.iter().flatten().all(|count| *count > 40), "{seen:?}");
}

#[test]
fn the_order_of_statements_and_policies_does_not_matter() {
    let mut dice = Dice(12);
    for round in 0..2000 {
        let world = World::thrown(&mut dice);
        let mut other = world.clone();
        for layer in &mut other.layers {
            layer.reverse();
            for statements in layer {
                let by = dice.below(statements.len());
                statements.rotate_left(by);
                statements.reverse();
            }
        }
        assert_eq!(world.verdicts(), other.verdicts(), "{round}: {world:#?}");
        let mut one = world.clone();
        one.layers[0] = match world.layers[0].concat() {
            statements if statements.is_empty() => Vec::new(),
            statements => vec![statements],
        };
        assert_eq!(world.verdicts(), one.verdicts(), "{round}: {world:#?}");
    }
}

#[test]
fn nothing_of_any_bytes_panics() {
    let mut dice = Dice(13);
    let whole = document(&format!(
        r#"[{},{{"Effect":"Limit","Action":"a:*","Resource":"*","Condition":{{"NumericLessThanEquals":{{"ec2:quota-imagenumber":"9"}},"IpAddress":{{"aws:SourceIp":"10.0.0.0/8"}},"DateLessThan":{{"aws:CurrentTime":"2026-01-01T00:00Z"}},"BinaryEquals":{{"k:a":"QQ=="}},"ForAnyValue:ArnLike":{{"k:b":"arn:aws:s3:::${{aws:username, 'x'}}*"}}}}}}]"#,
        with("Condition", r#"{"StringLikeIfExists":{"k:a":["é*","${*}\ud83d\ude00?"]}}"#)
    ));
    let trust = document(
        r#"{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:sts::111122223333:assumed-role/a/b"],"Service":"ec2.amazonaws.com"},"Action":"sts:*","Resource":"*"}"#,
    );
    let principal = principal(PrincipalKind::Role);
    let mut read = 0;
    for round in 0..10_000 {
        let mut bytes = if round % 2 == 0 { &whole } else { &trust }.clone().into_bytes();
        for _ in 0..dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, dice.of(b"{}[]\"\\:,*?$'/.-0\xe9")),
                _ => {
                    let end = (at + dice.below(40)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let into = dice.below(bytes.len());
                    drop(bytes.splice(into..into, copy));
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        for kind in [IDENTITY, TRUST, RESOURCE] {
            let Ok(policy) = Policy::parse(&text, kind) else { continue };
            read += 1;
            let (keys, span) = (policy.context_keys(), policy.span(0));
            assert!(span.is_some(), "{text}");
            let policy = attached("p", policy);
            let mut context = principal.context();
            for key in keys {
                context =
                    context.with(&key, dice.of(&["", "é", "1", "x:y", "arn:aws:s3:::b", "-"]));
            }
            let resource = dice.of(&["", "*", "arn:", ":::::::", "arn:aws:s3:::é", "arn:aws:s3::"]);
            let question =
                Question { principal: &principal, action: "a:b", resource, context: &context };
            let identity = std::slice::from_ref(&policy);
            let resource = Some(&policy);
            evaluate(&Policies { identity, resource, ..Policies::default() }, &question);
            limit(identity, &question, "ec2:quota-imagenumber");
        }
    }
    assert!(read > 500, "{read}");
}
