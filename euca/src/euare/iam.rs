//! How IAM is asked, page by page where it lists, and what is printed of its answers.

use common::dialect::answer::Answer;

use crate::client::Client;
use crate::cmd::{Context, Failure};
use crate::options::Remote;

/// How many pages of a listing are asked for at most: as many as no account has.
const PAGES: usize = 100_000;

/// IAM, asked by one caller, maybe as another account's administrator.
pub(super) struct Iam {
    client: Client,
    as_account: Option<String>,
}

/// Parameters of an action; what is absent is not sent.
pub(super) type Parameters<'a> = &'a [(&'a str, Option<&'a str>)];

impl Iam {
    /// The one that the options mean.
    pub(super) fn of(
        cx: &Context<'_>,
        remote: &Remote,
        as_account: Option<&str>,
    ) -> Result<Self, Failure> {
        Ok(Self { client: cx.iam(remote)?, as_account: as_account.map(str::to_owned) })
    }

    /// Has an action done.
    pub(super) fn ask(
        &self,
        action: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Answer, Failure> {
        let mut all = vec![("DelegateAccount", self.as_account.as_deref())];
        all.extend_from_slice(parameters);
        Ok(self.client.ask(action, &all)?)
    }

    /// Everything that a listing has, page by page; the elements of `list`, and the last page.
    pub(super) fn list(
        &self,
        action: &'static str,
        list: &str,
        parameters: Parameters<'_>,
    ) -> Result<(Vec<Answer>, Answer), Failure> {
        let (mut found, mut marker) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut all = parameters.to_vec();
            all.push(("Marker", marker.as_deref()));
            let page = self.ask(action, &all)?;
            found.extend(page.members(list).cloned());
            let next = page.text("Marker").map(str::to_owned);
            match next.filter(|_| page.text("IsTruncated") == Some("true")) {
                // A page that leads to itself would never end.
                Some(next) if marker.as_ref() == Some(&next) => break,
                Some(next) => marker = Some(next),
                None => return Ok((found, page)),
            }
        }
        Err(Failure::Client(format!("the pages of {action} do not end")))
    }

    /// One text of each element of a listing.
    pub(super) fn texts(
        &self,
        action: &'static str,
        (list, text): (&str, &str),
        parameters: Parameters<'_>,
    ) -> Result<Vec<String>, Failure> {
        let (found, _) = self.list(action, list, parameters)?;
        let texts = found.iter().map(|it| match text {
            "" => it.text.clone(),
            text => it.text(text).unwrap_or_default().to_owned(),
        });
        Ok(texts.collect())
    }
}

/// Prints texts of an answer, each on a line of its own; one that is absent is an empty line.
pub(super) fn print(cx: &mut Context<'_>, answer: &Answer, paths: &[&str]) -> Result<(), Failure> {
    for path in paths {
        line(cx, answer.text(path).unwrap_or_default())?;
    }
    Ok(())
}

/// Prints a text that is a line, whatever it holds.
pub(super) fn line(cx: &mut Context<'_>, text: &str) -> Result<(), Failure> {
    Ok(writeln!(cx.out, "{}", text.trim_end().replace(|c: char| c.is_control(), " "))?)
}

/// Prints a text of several lines, a PEM or a policy.
pub(super) fn block(cx: &mut Context<'_>, text: &str) -> Result<(), Failure> {
    let harmless = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    Ok(writeln!(cx.out, "{}", text.trim_end().replace(harmless, " "))?)
}

/// Prints what a deletion would take with it: headings, and below each what it is about.
pub(super) fn print_plan(cx: &mut Context<'_>, plan: &[(&str, &[String])]) -> Result<(), Failure> {
    for (heading, things) in plan {
        writeln!(cx.out, "{heading}")?;
        for thing in *things {
            writeln!(cx.out, "\t{}", thing.replace(|c: char| c.is_control(), " "))?;
        }
    }
    Ok(())
}

/// The text of a file that is to be sent.
pub(super) fn file_text(path: &std::path::Path) -> Result<String, Failure> {
    use std::io::Read;
    const MOST: u64 = 1 << 20;
    let fail = |error: std::io::Error| {
        Failure::Client(format!("{} cannot be read: {error}", path.display()))
    };
    let mut text = String::new();
    match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(MOST).read_to_string(&mut text),
        false => {
            std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text))
        }
    }
    .map_err(fail)?;
    Ok(text)
}
