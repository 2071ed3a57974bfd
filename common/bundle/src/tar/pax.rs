//! Pax headers: records `LENGTH KEY=VALUE\n` that overrule fields of the next header.

use super::TarError;
use super::sparse::{Map, decimal};

/// What the records say about the member, as far as it matters.
#[derive(Debug, Default, Clone)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: Sparse,
}

/// The records of GNU's sparse forms.
#[derive(Debug, Default, Clone)]
pub(super) struct Sparse {
    pub(super) real_size: Option<u64>,
    /// The map of forms 0.0 and 0.1.
    pub(super) map: Option<Map>,
    offset: Option<u64>,
    major: Option<u64>,
    minor: Option<u64>,
}

/// How the member's sparse map is given.
pub(super) enum Form {
    /// There is none.
    Plain,
    /// In the records.
    Records(Map),
    /// In front of the data.
    Lines,
}

impl Sparse {
    pub(super) fn form(self) -> Result<Form, TarError> {
        match (self.major, self.minor, self.map) {
            (Some(1), Some(0), None) => Ok(Form::Lines),
            (None | Some(0), _, Some(map)) => Ok(Form::Records(map)),
            (None, None, None) => Ok(Form::Plain),
            _ => Err(TarError::Sparse),
        }
    }
}

impl Overrides {
    /// Takes the records of one header; those of a later header win.
    pub(super) fn read(&mut self, mut data: &[u8]) -> Result<(), TarError> {
        while !data.is_empty() {
            let blank = data.iter().take(20).position(|&byte| byte == b' ').ok_or(TarError::Pax)?;
            let length = decimal(&data[..blank]).and_then(|length| usize::try_from(length).ok());
            let length = length.filter(|&length| length > blank + 1 && length <= data.len());
            let (record, rest) = data.split_at(length.ok_or(TarError::Pax)?);
            let record = record[blank + 1..].strip_suffix(b"\n").ok_or(TarError::Pax)?;
            let equals = record.iter().position(|&byte| byte == b'=').ok_or(TarError::Pax)?;
            self.record(&record[..equals], &record[equals + 1..])?;
            data = rest;
        }
        Ok(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarError> {
        let number = || decimal(value).ok_or(TarError::Pax);
        match key {
            b"path" | b"GNU.sparse.name" => self.path = Some(value.to_vec()),
            b"size" => self.size = Some(number()?),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse.real_size = Some(number()?),
            b"GNU.sparse.major" => self.sparse.major = Some(number()?),
            b"GNU.sparse.minor" => self.sparse.minor = Some(number()?),
            b"GNU.sparse.offset" => self.sparse.offset = Some(number()?),
            b"GNU.sparse.numbytes" => {
                let offset = self.sparse.offset.take().ok_or(TarError::Sparse)?;
                self.sparse.map.get_or_insert_default().push(offset, number()?)?;
            }
            b"GNU.sparse.map" => {
                self.sparse.map.get_or_insert_default().push_list(value)?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        let mut overrides = Overrides::default();
        overrides.read(b"12 path=a=b\n20 size=12345678901\n11 mtime=0\n").unwrap();
        assert_eq!(overrides.path.as_deref(), Some(b"a=b".as_slice()));
        assert_eq!(overrides.size, Some(12_345_678_901));
        for wrong in [
            b"x path=a\n".as_slice(),
            b"99 path=a\n",
            b"9 path=ab\n",
            b"3 \n",
            b"10 size=-1\n",
            b"0 path=a\n",
            b"8 nokey\n\0\0",
            b"99999999999999999999 path=a\n",
        ] {
            assert!(Overrides::default().read(wrong).is_err(), "{wrong:?}");
        }
    }
}
