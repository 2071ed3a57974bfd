//! Where a file has data, and where only holes.

use std::fs::File;
use std::io;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// The next run of data at or after `at`, as its first byte and the one after its last; `None` if
/// there is none. What does not know holes is all data.
pub(crate) fn next_data(file: &File, at: u64) -> io::Result<Option<(u64, u64)>> {
    let begin = match seek(file, SeekFrom::Data(at)) {
        Ok(begin) => begin,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL) => at,
        Err(errno) => return Err(errno.into()),
    };
    let end = match seek(file, SeekFrom::Hole(begin)) {
        Ok(end) => end,
        Err(Errno::INVAL) => file.metadata()?.len(),
        Err(errno) => return Err(errno.into()),
    };
    Ok((begin < end).then_some((begin, end)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn runs_of_data_are_found() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 << 20).unwrap();
        file.write_all_at(&[1; 8192], 1 << 20).unwrap();
        let run = Some((1 << 20, (1 << 20) + 8192));
        assert_eq!(next_data(&file, 0).unwrap(), run);
        assert_eq!(next_data(&file, (1 << 20) + 8192).unwrap(), None);
        assert_eq!(next_data(&file, 5 << 20).unwrap(), None);
    }
}
