//! Texts that are no policies, and what policies tell of themselves.

use common::iam::PrincipalKind;
use common::iam::policy::{Attached, Policies, Policy, Question, Verdict, evaluate};

use crate::{IDENTITY, RESOURCE, TRUST, attached, document, principal, with};

#[test]
fn errors_name_the_element_and_where() {
    let cases = [
        (IDENTITY, "[]", "the policy: an object is expected, not a list (line 1, column 1)"),
        (IDENTITY, "{}", "Statement: it is missing (line 1, column 1)"),
        (
            IDENTITY,
            "{\"Version\":\"2012-10-17\",\n  \"Statment\": []}",
            "Statment: no policy has such an element (line 2, column 3)",
        ),
        (
            IDENTITY,
            "{\"Statement\":[\n {\"Effect\":\"Allow\",\"Action\":[\"s3:*\",\n \"s3\"],\"Resource\":\"*\"}]}",
            "Statement[0].Action: 's3' is no action: SERVICE:NAME is expected, or * (line 3, column 2)",
        ),
        (
            TRUST,
            r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}"#,
            "Statement.Principal: it is missing (line 1, column 14)",
        ),
    ];
    for (kind, text, expected) in cases {
        assert_eq!(Policy::parse(text, kind).unwrap_err().to_string(), expected);
    }
}

#[test]
fn what_is_no_policy_of_an_identity_is_refused() {
    let documents = [
        (r#"{"Statement":[]}"#, "Statement: the list is empty"),
        (r#"{"Statement":null}"#, "Statement: an object is expected, not null"),
        (r#"{"Statement":"x"}"#, "Statement: an object is expected, not a string"),
        (r#"{"Statement":[[]]}"#, "Statement[0]: an object is expected, not a list"),
        (r#"{"Statement":{},"Statement":{}}"#, "'Statement' stands there twice"),
        (r#"{"Version":"2012-10-18","Statement":{}}"#, "Version: 2012-10-17 or 2008-10-17"),
        (r#"{"Version":2012,"Statement":{}}"#, "Version: a string is expected, not a number"),
        (r#"{"Id":[],"Statement":{}}"#, "Id: a string is expected"),
        (r#"{"statement":{}}"#, "statement: no policy has such an element"),
        ("", "no valid JSON"),
        ("null", "an object is expected, not null"),
    ];
    for (text, expected) in documents {
        let error = Policy::parse(text, IDENTITY).unwrap_err().0;
        assert!(error.contains(expected), "{text}: {error}");
    }
    let statements = [
        ("Effect", "", "Effect: it is missing"),
        ("Effect", r#""allow""#, "Effect: Allow or Deny is expected"),
        ("Effect", "true", "Effect: a string is expected, not a boolean"),
        ("Effect", r#"["Allow"]"#, "Effect: a string is expected, not a list"),
        ("Action", "", "Action: it is missing"),
        ("Action", "[]", "Action: the list is empty"),
        ("Action", r#""""#, "is no action"),
        ("Action", r#""GetObject""#, "'GetObject' is no action"),
        ("Action", r#"["s3:*",1]"#, "Action: a string is expected, not a number"),
        ("Action", r#""s*:Get""#, "'s*:Get' names no service"),
        ("NotAction", r#""s3:*""#, "NotAction: an element and its opposite"),
        ("Resource", "", "Resource: it is missing"),
        ("Resource", "[]", "Resource: the list is empty"),
        ("Resource", "{}", "Resource: a string is expected, not an object"),
        ("Resource", r#""b""#, "'b' is no resource"),
        ("Resource", r#""arn:aws:s3""#, "is no resource"),
        ("Resource", r#""arn:aws:s*:::b""#, "names no service"),
        ("Resource", r#""arn:aws:iam::${aws:x}:user/a""#, "before its fifth colon"),
        ("Resource", r#""arn:aws:s3:::b/${aws:username""#, "is no policy variable"),
        ("NotResource", r#""*""#, "NotResource: an element and its opposite"),
        ("Principal", r#""*""#, "Principal: a policy of an identity"),
        ("NotPrincipal", r#"{"AWS":"*"}"#, "NotPrincipal: a policy of an identity"),
        ("Sid", r#""a b""#, "Sid: only letters and digits"),
        ("Sid", "1", "Sid: a string is expected"),
        ("Conditions", "{}", "Conditions: no statement has such an element"),
        ("Condition", "[]", "Condition: an object is expected"),
        ("Condition", r#"{"Equals":{"a:b":"c"}}"#, "'Equals' is no condition operator"),
        ("Condition", r#"{"StringEquals":[]}"#, "Condition.StringEquals: an object"),
        ("Condition", r#"{"StringEquals":{"b":"c"}}"#, "'b' is no condition key"),
        ("Condition", r#"{"StringEquals":{"a:b":[]}}"#, "a:b: the list is empty"),
        ("Condition", r#"{"StringEquals":{"a:b":null}}"#, "a:b: a value is expected, not null"),
        ("Condition", r#"{"StringEquals":{"a:b":[["x"]]}}"#, "a:b: a value is expected"),
        ("Condition", r#"{"StringEquals":{"a:b":"x","A:B":"y"}}"#, "'A:B' stands there twice"),
        ("Condition", r#"{"NumericEquals":{"a:b":"x"}}"#, "a:b: 'x' is no number"),
        ("Condition", r#"{"NumericEquals":{"a:b":1e3}}"#, "a:b: '1e3' is no number"),
        ("Condition", r#"{"DateEquals":{"a:b":"x"}}"#, "a:b: 'x' is no date"),
        ("Condition", r#"{"Bool":{"a:b":"yes"}}"#, "a:b: 'yes' is no true or false"),
        ("Condition", r#"{"Null":{"a:b":"0"}}"#, "a:b: '0' is no true or false"),
        ("Condition", r#"{"NullIfExists":{"a:b":"true"}}"#, "Null stands alone"),
        ("Condition", r#"{"BinaryEquals":{"a:b":"?"}}"#, "a:b: '?' is no base64"),
        ("Condition", r#"{"IpAddress":{"a:b":"10.0.0.0/40"}}"#, "is no IP address"),
        ("Condition", r#"{"ArnLike":{"a:b":"arn:aws"}}"#, "a:b: 'arn:aws' is no ARN"),
        ("Condition", r#"{"StringLike":{"a:b":"${x}"}}"#, "a:b: '${x}' is no policy variable"),
        (
            "Condition",
            r#"{"NumericLessThanEquals":{"ec2:quota-vminstancenumber":"1"}}"#,
            "a quota stands with Effect Limit",
        ),
        ("Effect", r#""Limit""#, "no condition"),
    ];
    for (element, value, expected) in statements {
        // The only one whose error lies in what is not there.
        let expected =
            if expected == "no condition" { "Effect Limit has a quota" } else { expected };
        let text = document(&with(element, value));
        let error = Policy::parse(&text, IDENTITY).err();
        let error = error.unwrap_or_else(|| panic!("{text} is a policy")).0;
        assert!(error.contains(expected) && error.contains("(line 1, column "), "{text}: {error}");
    }
}

#[test]
fn what_sets_no_quota_is_refused() {
    let limit = |condition: &str| {
        let text = format!(
            r#"{{"Effect":"Limit","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#
        );
        Policy::parse(&document(&text), IDENTITY).map_err(|error| error.0)
    };
    let key = "ec2:quota-vminstancenumber";
    assert!(limit(&format!(r#""NumericLessThanEquals":{{"{key}":5}}"#)).is_ok());
    let cases = [
        (format!(r#""NumericEquals":{{"{key}":5}}"#), "set by NumericLessThanEquals"),
        (format!(r#""NumericLessThanEqualsIfExists":{{"{key}":5}}"#), "set by NumericLess"),
        (format!(r#""ForAllValues:NumericLessThan":{{"{key}":5}}"#), "set by NumericLess"),
        (format!(r#""StringEquals":{{"{key}":"5"}}"#), "set by NumericLessThanEquals"),
        (format!(r#""NumericLessThanEquals":{{"{key}":[5,6]}}"#), "a quota is one number"),
        (format!(r#""NumericLessThanEquals":{{"{key}":-5}}"#), "'-5' is no quota"),
        (format!(r#""NumericLessThan":{{"{key}":0}}"#), "'0' is no quota"),
        (format!(r#""NumericLessThanEquals":{{"{key}":1.5}}"#), "'1.5' is no quota"),
        (r#""NumericLessThanEquals":{"ec2:quota-spoons":5}"#.into(), "there is no quota"),
        (r#""StringEquals":{"a:b":"c"}"#.into(), "Effect Limit has a quota"),
    ];
    for (condition, expected) in cases {
        let error = limit(&condition).unwrap_err();
        assert!(error.contains(expected), "{condition}: {error}");
    }
}

#[test]
fn what_is_no_policy_of_a_role_or_resource_is_refused() {
    let trust = |principal: &str, rest: &str| {
        document(&format!(r#"{{"Effect":"Allow",{principal}"Action":"sts:AssumeRole"{rest}}}"#))
    };
    let all = r#""Principal":{"AWS":"*"},"#;
    assert!(Policy::parse(&trust(all, ""), TRUST).is_ok());
    assert!(Policy::parse(&trust(all, r#","Resource":"*""#), RESOURCE).is_ok());
    let cases = [
        (TRUST, trust("", ""), "Principal: it is missing"),
        (TRUST, trust(all, r#","Resource":"*""#), "no resource but the role"),
        (TRUST, trust(all, r#","NotResource":"*""#), "no resource but the role"),
        (TRUST, trust(r#""NotPrincipal":{"AWS":"*"},"#, ""), "only with Effect Deny"),
        (TRUST, trust(r#""Principal":"x","#, ""), "\"*\" is expected, or an object"),
        (TRUST, trust(r#""Principal":{},"#, ""), "\"*\" is expected, or an object"),
        (TRUST, trust(r#""Principal":["*"],"#, ""), "\"*\" is expected, or an object"),
        (TRUST, trust(r#""Principal":{"AWS":[]},"#, ""), "the list is empty"),
        (TRUST, trust(r#""Principal":{"AWS":"12"},"#, ""), "'12' is no principal"),
        (
            TRUST,
            trust(r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/*"},"#, ""),
            "wildcard",
        ),
        (TRUST, trust(r#""Principal":{"Federated":"x"},"#, ""), "identity providers"),
        (TRUST, trust(r#""Principal":{"Service":"ec2"},"#, ""), "'ec2' is no service"),
        (TRUST, trust(r#""Principal":{"User":"x"},"#, ""), "'User' is no kind of principal"),
        (TRUST, trust(all, "").replace("sts:AssumeRole", "s3:*"), "actions of sts only"),
        (TRUST, trust(all, "").replace("\"sts:AssumeRole\"", "\"*\""), "actions of sts only"),
        (TRUST, trust(all, "").replace("\"Action", "\"NotAction"), "actions of sts only"),
        (TRUST, trust(all, "").replace("Allow", "Limit"), "only policies of identities"),
        (RESOURCE, trust("", r#","Resource":"*""#), "Principal: it is missing"),
        (RESOURCE, trust(all, ""), "Resource: it is missing"),
        (
            RESOURCE,
            trust(r#""NotPrincipal":{"AWS":"*"},"#, r#","Resource":"*""#),
            "only with Effect Deny",
        ),
    ];
    for (kind, text, expected) in cases {
        let error = Policy::parse(&text, kind).err();
        let error = error.unwrap_or_else(|| panic!("{text} is a policy")).0;
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn thousands_of_statements_are_read_and_asked() {
    let statement = |at: usize| {
        format!(
            r#"{{"Sid":"s{at}","Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::{at}"}}"#
        )
    };
    let many = |count| (0..count).map(statement).collect::<Vec<_>>().join(",");
    let policy = Policy::parse(&document(&format!("[{}]", many(1500))), IDENTITY).unwrap();
    assert_eq!((policy.len(), policy.sid(1499)), (1500, Some("s1499")));
    let identity = [attached("p", policy)];
    assert_eq!(ask(&identity, "arn:aws:s3:::1499"), Verdict::Allowed);
    assert_eq!(ask(&identity, "arn:aws:s3:::1500"), Verdict::ImplicitDeny);
    let twice = document(&format!("[{},{}]", many(1500), statement(7)));
    let error = Policy::parse(&twice, IDENTITY).unwrap_err().0;
    assert!(error.starts_with("Statement[1500].Sid: 's7' is another statement's, too"), "{error}");
    let error = Policy::parse(&document(&format!("[{}]", many(5000))), IDENTITY).unwrap_err().0;
    assert_eq!(error, "the policy is longer than 131072 bytes");
}

#[test]
fn a_policy_tells_its_parts() {
    let text = "{\"Id\":\"x\",\"Statement\":[\n  {\"Effect\":\"Allow\",\"Action\":\"a:b\",\n   \
                \"Resource\":\"arn:aws:s3:::${aws:UserName}\",\"Condition\":{\"Null\":{\"aws:B\":true},\
                \"ArnLike\":{\"AWS:A\":\"${aws:username}\"}}}]}";
    let text = text.replacen('{', "{\"Version\":\"2012-10-17\",", 1);
    let policy = Policy::parse(&text, IDENTITY).unwrap();
    assert_eq!((policy.text(), policy.id(), policy.sid(0)), (text.as_str(), Some("x"), None));
    assert_eq!(policy.context_keys(), ["AWS:A", "aws:B", "aws:UserName"]);
    let span = policy.span(0).unwrap();
    assert_eq!((span.start.line, span.start.column, span.end.line), (2, 3, 3));
    assert!(policy.span(1).is_none());
}

fn ask(identity: &[Attached], resource: &str) -> Verdict {
    let principal = principal(PrincipalKind::User);
    let context = principal.context();
    let question = Question { principal: &principal, action: "a:b", resource, context: &context };
    evaluate(&Policies { identity, ..Policies::default() }, &question).verdict
}
