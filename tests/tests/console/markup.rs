//! Reads pages more strictly than any browser: elements that are closed, attributes in quotes, nothing
//! unescaped, no script but a file of ours, no address that is one of a script. Whatever was put into a
//! page and is not shown as text breaks one of these rules.

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The type of an input; `textarea`, `select`.
    pub(crate) kind: String,
    pub(crate) value: String,
    /// What may be chosen.
    pub(crate) options: Vec<String>,
    pub(crate) checked: bool,
}

/// A form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) method: String,
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    /// Where else its buttons send it.
    pub(crate) also: Vec<String>,
    /// Whether it asks before.
    pub(crate) asks: bool,
}

/// What a page leads to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) links: Vec<String>,
    pub(crate) forms: Vec<Form>,
    /// Text and values of attributes, as people read them.
    pub(crate) said: String,
}

/// Elements that have no end.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "wbr", "source"];
/// Elements that no page has.
const NEVER: [&str; 13] = [
    "style",
    "iframe",
    "frame",
    "object",
    "embed",
    "base",
    "applet",
    "foreignobject",
    "animate",
    "set",
    "math",
    "template",
    "portal",
];
/// Attributes that are addresses.
const ADDRESSES: [&str; 9] = [
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "poster",
    "srcset",
    "data-live",
    "data-onward",
];

type Attributes = Vec<(String, String)>;

fn get<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
}

/// The text of a piece in which everything is escaped.
fn plain(text: &str) -> Result<String, String> {
    let (mut said, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('&') {
        let (name, after) =
            behind.split_once(';').ok_or_else(|| format!("a bare & in {text:?}"))?;
        said.push_str(before);
        said.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            _ => return Err(format!("a bare & in {text:?}")),
        });
        rest = after;
    }
    said.push_str(rest);
    if text.contains(['<', '>', '"']) {
        return Err(format!("not escaped: {text:?}"));
    }
    Ok(said)
}

/// An opening tag between its brackets: the element's name and its attributes.
fn tag(text: &str) -> Result<(String, Attributes), String> {
    let (name, mut rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut attributes = Attributes::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let attribute = rest[..end].to_ascii_lowercase();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-:_".contains(c);
        if attribute.is_empty() || !attribute.chars().all(fits) {
            return Err(format!("an odd attribute in {text:?}"));
        }
        let mut value = String::new();
        rest = &rest[end..];
        if let Some(quoted) = rest.strip_prefix('=') {
            let quoted = quoted.strip_prefix('"').ok_or(format!("no quotes in {text:?}"))?;
            let (inside, behind) = quoted.split_once('"').ok_or(format!("no end in {text:?}"))?;
            value = plain(inside)?;
            rest = behind;
        }
        attributes.push((attribute, value));
        rest = match rest.strip_prefix(' ') {
            Some(behind) => behind,
            None if rest.is_empty() => rest,
            None => return Err(format!("broken out of in {text:?}")),
        };
    }
    Ok((name.to_owned(), attributes))
}

/// Whether an address is one that a page of ours may have.
fn is_fit(element: &str, attribute: &str, value: &str, attributes: &Attributes) -> bool {
    let own = value.starts_with('/') && !value.starts_with("//") && !value.contains('\\');
    let kept = element == "a" && attribute == "href" && get(attributes, "download").is_some();
    let mail = element == "a" && value.starts_with("mailto:");
    own || value.starts_with('#')
        || value.starts_with('?')
        || (kept && value.starts_with("data:"))
        || mail
}

fn look_after(element: &str, attributes: &Attributes) -> Result<(), String> {
    let bad = |why: &str| Err(format!("{why}: <{element} {attributes:?}>"));
    if NEVER.contains(&element.to_ascii_lowercase().as_str()) {
        return bad("an element that no page has");
    }
    for (name, value) in attributes {
        if name.starts_with("on") || name == "style" || name == "srcdoc" {
            return bad("a script or style of a page");
        }
        if ADDRESSES.contains(&name.as_str()) && !is_fit(element, name, value, attributes) {
            return bad("a foreign address");
        }
        if name == "http-equiv"
            && !get(attributes, "content").is_some_and(|it| it.starts_with("0;url=/"))
        {
            return bad("a head that leads elsewhere");
        }
    }
    let src = get(attributes, "src");
    if element == "script" && !src.is_some_and(|it| it.starts_with("/assets/")) {
        return bad("a script");
    }
    if element == "form" && !matches!(get(attributes, "method"), Some("post" | "get")) {
        return bad("a form");
    }
    Ok(())
}

/// Reads a page, or a part of one.
pub(crate) fn read(text: &str) -> Result<Page, String> {
    let (mut page, mut open, mut rest) = (Page::default(), Vec::<String>::new(), text);
    rest = rest.strip_prefix("<!DOCTYPE html>").unwrap_or(rest);
    let mut form: Option<Form> = None;
    loop {
        let (before, behind) = rest.split_once('<').unwrap_or((rest, ""));
        let said = plain(before)?;
        page.said.push_str(&said);
        page.said.push('\n');
        let inside = open.last().map(String::as_str);
        if inside == Some("script") && !before.is_empty() {
            return Err(format!("a script in the page: {before:?}"));
        }
        if inside == Some("textarea")
            && let Some(field) = form.as_mut().and_then(|form| form.fields.last_mut())
        {
            field.value = said;
        }
        if behind.is_empty() {
            break;
        }
        let (inside, after) = behind.split_once('>').ok_or("a tag without an end")?;
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes what is not open"));
            }
            if name == "form" {
                page.forms.extend(form.take());
            }
            continue;
        }
        let (name, attributes) = tag(inside)?;
        look_after(&name, &attributes)?;
        for (attribute, value) in &attributes {
            page.said.push_str(value);
            page.said.push('\n');
            if ADDRESSES.contains(&attribute.as_str())
                && !attribute.ends_with("action")
                && value.starts_with('/')
            {
                page.links.push(value.clone());
            }
        }
        if let (Some(form), Some(action)) = (&mut form, get(&attributes, "formaction")) {
            form.also.push(action.to_owned());
        }
        let own = |name: &str| get(&attributes, name).unwrap_or_default().to_owned();
        match (name.as_str(), &mut form) {
            ("form", Some(_)) => return Err("a form in a form".to_owned()),
            ("form", None) => {
                let asks = get(&attributes, "data-sure").is_some();
                let (method, action) = (own("method"), own("action"));
                form = Some(Form { method, action, asks, ..Form::default() });
            }
            ("option", Some(form)) => {
                if let Some(field) = form.fields.last_mut() {
                    if get(&attributes, "selected").is_some() || field.options.is_empty() {
                        field.value = own("value");
                    }
                    field.options.push(own("value"));
                }
            }
            ("input" | "textarea" | "select" | "button", Some(form)) if !own("name").is_empty() => {
                let kind = if name == "input" { own("type") } else { name.clone() };
                let checked = get(&attributes, "checked").is_some();
                let options = Vec::new();
                let field =
                    Field { name: own("name"), kind, value: own("value"), options, checked };
                form.fields.push(field);
            }
            _ => {}
        }
        if !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    match open.last() {
        Some(name) => Err(format!("<{name}> is never closed")),
        None => Ok(page),
    }
}

#[test]
fn what_breaks_out_is_found() {
    let escaped = "<p title=\"&quot;&gt;\">&lt;script&gt;x&lt;/script&gt; &amp;lt;</p>";
    assert!(read(escaped).unwrap().said.contains("<script>x</script> &lt;"));
    let form = "<form method=\"post\" action=\"/a\"><input type=\"hidden\" name=\"n\" value=\"1\">\
                <textarea name=\"t\">x &amp; y</textarea></form>";
    let page = read(form).unwrap();
    assert_eq!((page.forms[0].fields.len(), page.forms[0].fields[1].value.as_str()), (2, "x & y"));
    for bad in [
        "<p><script>x</script></p>",
        "<p title=\"\"><img src=x onerror=y>\"></p>",
        "<p title=\"a\"onclick=\"b\"></p>",
        "<a href=\"javascript:x\">y</a>",
        "<a href=\"//evil/\">y</a>",
        "<a href=\"https://evil/\">y</a>",
        "<a href=\"data:text/html,x\">y</a>",
        "<p onclick=\"x\"></p>",
        "<p>a & b</p>",
        "<p>a > b</p>",
        "<p>",
        "</p>",
        "<script src=\"/assets/x.js\">y</script>",
        "<iframe src=\"/\"></iframe>",
        "<!-- x -->",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
