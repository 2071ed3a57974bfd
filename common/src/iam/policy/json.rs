//! JSON, read so strictly that two readers cannot understand a policy differently.
//!
//! No name twice in an object, nothing before or after the document, no depth that a policy has no
//! use for; numbers stay the digits that they were written with, and every value knows where it
//! stands, so that errors and explanations can point there.

use std::collections::HashSet;

use super::error::PolicyError;

/// The longest text that is looked at, in bytes: far beyond all that any kind of policy may have.
pub(super) const LONGEST: usize = 131_072;

/// How deep values may be inside each other. A policy needs seven.
const DEEPEST: usize = 10;

/// A value and where it stands, in bytes.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A name and its value.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) node: Node,
}

impl Node {
    /// What kind of value it is, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }
}

/// Reads a document.
///
/// # Errors
/// Says what is wrong with it, and where.
pub(super) fn read(text: &str) -> Result<Node, PolicyError> {
    if text.len() > LONGEST {
        return Err(PolicyError(format!("the policy is longer than {LONGEST} bytes")));
    }
    let mut reader = Reader { text, at: 0 };
    let node = reader.value(0)?;
    reader.blank();
    match reader.at == text.len() {
        true => Ok(node),
        false => Err(reader.wrong("something follows the document")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> PolicyError {
        PolicyError::at(self.text, self.at, &format!("the policy is no valid JSON: {what}"))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes a byte if it is the next one.
    fn taken(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Node, PolicyError> {
        self.blank();
        if depth > DEEPEST {
            return Err(self.wrong("values are nested too deeply"));
        }
        let at = self.at;
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(_) => self.word()?,
            None => return Err(self.wrong("it ends too early")),
        };
        Ok(Node { at, end: self.at, value })
    }

    fn word(&mut self) -> Result<Value, PolicyError> {
        let words =
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
        for (word, value) in words {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.wrong("a value is expected"))
    }

    fn list(&mut self, depth: usize) -> Result<Value, PolicyError> {
        self.at += 1;
        let mut items = Vec::new();
        self.blank();
        if self.taken(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blank();
            if self.taken(b']') {
                return Ok(Value::List(items));
            }
            if !self.taken(b',') {
                return Err(self.wrong("',' or ']' is expected"));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, PolicyError> {
        self.at += 1;
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        self.blank();
        if self.taken(b'}') {
            return Ok(Value::Map(members));
        }
        loop {
            self.blank();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a name in quotes is expected"));
            }
            let name = self.string()?;
            if !names.insert(name.clone()) {
                self.at = at;
                return Err(self.wrong(&format!("'{name}' stands there twice")));
            }
            self.blank();
            if !self.taken(b':') {
                return Err(self.wrong("':' is expected"));
            }
            members.push(Member { at, name, node: self.value(depth + 1)? });
            self.blank();
            if self.taken(b'}') {
                return Ok(Value::Map(members));
            }
            if !self.taken(b',') {
                return Err(self.wrong("',' or '}' is expected"));
            }
        }
    }

    fn digits(&mut self) -> Result<(), PolicyError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(self.wrong("a digit is expected")),
        }
    }

    fn number(&mut self) -> Result<String, PolicyError> {
        let start = self.at;
        self.taken(b'-');
        if !self.taken(b'0') {
            self.digits()?;
        }
        if self.taken(b'.') {
            self.digits()?;
        }
        if self.taken(b'e') || self.taken(b'E') {
            let _ = self.taken(b'+') || self.taken(b'-');
            self.digits()?;
        }
        Ok(self.text[start..self.at].to_owned())
    }

    fn string(&mut self) -> Result<String, PolicyError> {
        self.at += 1;
        let mut read = String::new();
        loop {
            let start = self.at;
            while matches!(self.peek(), Some(byte) if byte >= 0x20 && byte != b'"' && byte != b'\\')
            {
                self.at += 1;
            }
            // What stops the run is ASCII, so both ends lie between characters.
            read.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => read.push(self.escape()?),
                Some(_) => return Err(self.wrong("a control character in a string")),
                None => return Err(self.wrong("a string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, PolicyError> {
        self.at += 1;
        let letter = self.peek();
        self.at += usize::from(letter.is_some_and(|byte| byte.is_ascii()));
        Ok(match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            _ => return Err(self.wrong("an unknown escape in a string")),
        })
    }

    fn code_point(&mut self) -> Result<char, PolicyError> {
        let first = self.hex()?;
        let code = match first {
            0xd800..=0xdbff => {
                let second = match self.taken(b'\\') && self.taken(b'u') {
                    true => self.hex()?,
                    false => 0,
                };
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.wrong("half a character in a string"));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.wrong("half a character in a string"))
    }

    fn hex(&mut self) -> Result<u32, PolicyError> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|text| u32::from_str_radix(text, 16).ok());
        let code = code.ok_or_else(|| self.wrong("four hex digits are expected"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As another reader of JSON sees it.
    fn plain(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(digits) => serde_json::from_str(digits).unwrap(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(plain).collect(),
            Value::Map(members) => {
                let members = members.iter().map(|it| (it.name.clone(), plain(&it.node)));
                serde_json::Value::Object(members.collect())
            }
        }
    }

    #[test]
    fn what_is_json_is_read_as_others_read_it() {
        for text in [
            "{}",
            " [ ] ",
            r#"{"a":1,"b":[true,false,null,-0.5e+3,"x"]}"#,
            r#""\"\\\/\b\f\n\r\tA日本\ud83d\ude00é""#,
            "[[[[[[[[[[1]]]]]]]]]]",
            "0",
            "-0",
            "1E5",
        ] {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(plain(&read(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_is_refused_and_where() {
        let refused = [
            ("", "it ends too early (line 1, column 1)"),
            ("{", "a name in quotes is expected (line 1, column 2)"),
            ("{}\n x", "something follows the document (line 2, column 2)"),
            (r#"{"a":1,"a":2}"#, "'a' stands there twice (line 1, column 8)"),
            (r#"{"a":1,}"#, "a name in quotes is expected (line 1, column 8)"),
            ("[1,]", "a value is expected (line 1, column 4)"),
            ("[1 2]", "',' or ']' is expected (line 1, column 4)"),
            (r#"{"a" 1}"#, "':' is expected (line 1, column 6)"),
            ("01", "something follows the document (line 1, column 2)"),
            ("1.", "a digit is expected (line 1, column 3)"),
            ("-", "a digit is expected (line 1, column 2)"),
            ("\"a\u{1}\"", "a control character in a string (line 1, column 3)"),
            ("\"é", "a string does not end (line 1, column 3)"),
            (r#""\q""#, "an unknown escape in a string (line 1, column 4)"),
            (r#""\ud800x""#, "half a character in a string (line 1, column 8)"),
            (r#""\udc00""#, "half a character in a string (line 1, column 8)"),
            (r#""\u12g4""#, "four hex digits are expected (line 1, column 4)"),
            ("[[[[[[[[[[[1]]]]]]]]]]]", "values are nested too deeply (line 1, column 12)"),
            ("\u{feff}{}", "a value is expected (line 1, column 1)"),
            ("nul", "a value is expected (line 1, column 1)"),
        ];
        for (text, what) in refused {
            let error = read(text).unwrap_err().0;
            assert_eq!(error, format!("the policy is no valid JSON: {what}"), "{text}");
        }
        let long = format!("\"{}\"", "x".repeat(LONGEST));
        assert!(read(&long).unwrap_err().0.contains("longer"));
        assert!(read(&"[".repeat(LONGEST)).unwrap_err().0.contains("deeply"));
    }

    #[test]
    fn values_know_where_they_stand() {
        let node = read(" [ \"é\" , {} ]").unwrap();
        let Value::List(items) = &node.value else { panic!("{node:?}") };
        assert_eq!((node.at, node.end), (1, 14));
        assert_eq!((items[0].at, items[0].end), (3, 7));
        assert_eq!((items[1].at, items[1].end), (10, 12));
    }
}
