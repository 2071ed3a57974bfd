//! LookupEvents: an account's own calls; an administrator of the cloud sees everybody's.

use common::audit::Filter;
use common::cloudtrail::{FoundEvents, LookupEvents};
use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use runtime::actor::{Answer, Scene};

use super::Trail;
use super::shown::shown;

/// How many are answered at most.
const MOST: i64 = 50;

impl Answer<Trail> for LookupEvents {
    async fn answer(self, scene: &Scene<Trail>) -> Result<FoundEvents, ApiError> {
        let mut filter = wanted(&self)?;
        let after = self.next_token.as_deref().filter(|token| !token.is_empty());
        let most = most(self.max_results)?;
        if !scene.caller.administrator {
            let own = scene.caller.account.to_string();
            let other = filter.account.replace(own.clone()).is_some_and(|asked| asked != own);
            if other {
                return Ok(FoundEvents::default());
            }
        }
        if self.event_category.as_deref().is_some_and(|it| !it.is_empty()) {
            // Nobody looks for what is unusual, so nothing unusual was found.
            return Ok(FoundEvents::default());
        }
        let page = scene.find(filter, after, most).await?;
        Ok(FoundEvents { events: page.events.iter().map(shown).collect(), next_token: page.next })
    }
}

fn wanted(asked: &LookupEvents) -> Result<Filter, ApiError> {
    let since = asked.start_time.as_deref().map(|text| time("StartTime", text)).transpose()?;
    let until = asked.end_time.as_deref().map(|text| time("EndTime", text)).transpose()?;
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        let text = "StartTime lies behind EndTime";
        return Err(ApiError::new(ErrorCode::InvalidTimeRange, text));
    }
    let mut filter = Filter { since, until, ..Filter::default() };
    for attribute in &asked.lookup_attributes {
        let value = attribute.attribute_value.clone();
        let bad = |text: String| ApiError::new(ErrorCode::InvalidLookupAttributes, text);
        if value.is_empty() || value.len() > 2000 {
            let key = &attribute.attribute_key;
            return Err(bad(format!("The value of {key} must have 1 to 2000 bytes")));
        }
        match attribute.attribute_key.as_str() {
            "EventId" => filter.request_id = Some(value),
            "EventName" => filter.action = Some(value),
            "Username" => filter.user = Some(value),
            "ResourceName" => filter.resource = Some(value),
            "AccessKeyId" => filter.access_key = Some(value),
            "EventSource" => {
                let service = value.strip_suffix(".amazonaws.com").unwrap_or(&value);
                filter.service = Some(service.to_owned());
            }
            "AccountId" => filter.account = Some(value),
            "ReadOnly" => {
                let read = value.parse();
                filter.read_only =
                    Some(read.map_err(|_| bad(format!("ReadOnly is true or false, not {value}")))?);
            }
            other => return Err(bad(format!("{other} is no attribute that is looked up here"))),
        }
    }
    Ok(filter)
}

/// Seconds since 1970 with or without a fraction, or a date.
fn time(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    let bad = || {
        let text = format!("{name}: '{text}' is neither seconds since 1970 nor a date");
        ApiError::new(ErrorCode::InvalidTimeRange, text)
    };
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let seconds: i64 = whole.parse().map_err(|_| bad())?;
        let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
        let millis: i64 = fraction.parse().map_err(|_| bad())?;
        return Ok(Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(millis)));
    }
    Timestamp::parse(text).map_err(|_| bad())
}

fn most(asked: Option<i64>) -> Result<usize, ApiError> {
    let most = asked.unwrap_or(MOST);
    let read = usize::try_from(most).ok().filter(|_| (1..=MOST).contains(&most));
    read.ok_or_else(|| {
        ApiError::new(ErrorCode::InvalidMaxResults, format!("MaxResults must be 1 to {MOST}"))
    })
}

#[cfg(test)]
mod tests {
    use common::cloudtrail::LookupAttribute;

    use super::*;

    fn asked(key: &str, value: &str) -> LookupEvents {
        let attribute =
            LookupAttribute { attribute_key: key.into(), attribute_value: value.into() };
        LookupEvents { lookup_attributes: vec![attribute], ..LookupEvents::default() }
    }

    #[test]
    fn attributes_become_conditions_or_are_refused() {
        let source = wanted(&asked("EventSource", "ec2.amazonaws.com")).unwrap();
        assert_eq!(source.service.as_deref(), Some("ec2"));
        assert_eq!(wanted(&asked("ReadOnly", "true")).unwrap().read_only, Some(true));
        for (key, value) in [("ReadOnly", "maybe"), ("ResourceType", "x"), ("Username", "")] {
            let code = wanted(&asked(key, value)).unwrap_err().code();
            assert_eq!(code, ErrorCode::InvalidLookupAttributes, "{key}");
        }
    }

    #[test]
    fn times_tokens_and_numbers_are_read_or_refused() {
        let expected = Timestamp::from_millis(1_700_000_000_500);
        assert_eq!(time("T", "1700000000.5").unwrap(), expected);
        assert_eq!(time("T", "1700000000").unwrap(), Timestamp::from_secs(1_700_000_000));
        assert_eq!(time("T", "2023-11-14T22:13:20Z").unwrap(), Timestamp::from_secs(1_700_000_000));
        for bad in ["", "soon", "1.2.3", "-5"] {
            assert_eq!(time("T", bad).unwrap_err().code(), ErrorCode::InvalidTimeRange, "{bad}");
        }
        let backwards = LookupEvents {
            start_time: Some("2".into()),
            end_time: Some("1".into()),
            ..LookupEvents::default()
        };
        assert_eq!(wanted(&backwards).unwrap_err().code(), ErrorCode::InvalidTimeRange);
        assert_eq!((most(None).unwrap(), most(Some(1)).unwrap()), (50, 1));
        for bad in [0, -1, 51] {
            assert_eq!(most(Some(bad)).unwrap_err().code(), ErrorCode::InvalidMaxResults);
        }
    }
}
