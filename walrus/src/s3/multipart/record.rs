//! The one commit of a part, whether its bytes came in or were copied.

use common::error::ApiError;
use common::s3::multipart::terms::UploadName;
use runtime::pool;
use store::{Batch, transact};

use super::super::commit::Uncommitted;
use super::named;
use crate::blob::uploads::Ticket;
use crate::content::Content;
use crate::parts::holder_row;
use crate::records::Failed;
use crate::upload::{Part, part_holder, part_key};

/// Writes the record of a part whose bytes are on disk, and lets go of those of the part it
/// replaces. `also` may refuse, and may add to the same commit; it may run several times.
///
/// # Errors
/// `NoSuchUpload` if the upload is not open any more, what `also` refuses, what the store says.
pub(crate) async fn put(
    content: Content,
    name: UploadName,
    part: Part,
    ticket: Option<Ticket>,
    also: impl FnMut(&mut Batch) -> Result<(), Failed> + Send + 'static,
) -> Result<(), ApiError> {
    let committed = pool::block(move || {
        let old = write(&content, &name, &part, also);
        // Also without an answer of the store the record may have come to disk.
        if !matches!(old, Err(Uncommitted::Certainly(_))) {
            ticket.into_iter().for_each(Ticket::keep);
        }
        if let Ok(Some(Part { blob: Some(blob), .. })) = &old {
            content.let_go(blob);
        }
        old
    });
    match committed.await? {
        Ok(_) => Ok(()),
        Err(Uncommitted::Certainly(failed) | Uncommitted::Perhaps(failed)) => Err(failed.into()),
    }
}

/// Writes the record; gives the one it replaces. Blocks.
fn write(
    content: &Content,
    name: &UploadName,
    part: &Part,
    mut also: impl FnMut(&mut Batch) -> Result<(), Failed>,
) -> Result<Option<Part>, Uncommitted> {
    let records = &content.records;
    let (old, _) = transact(records.engine(), |batch| {
        let mut upload = named::open(records, name).map_err(Uncommitted::Certainly)?;
        also(batch).map_err(Uncommitted::Certainly)?;
        let old = records.parts.get(&part_key(&part.upload, part.number))?;
        let replaced = old.as_ref().map(|seen| seen.record.clone());
        // Whoever has seen the upload before this has seen other parts.
        upload.record.bytes += part.size;
        match &replaced {
            Some(replaced) => upload.record.bytes -= replaced.size.min(upload.record.bytes),
            None => upload.record.parts += 1,
        }
        batch.replace(&upload)?;
        let holder = part_holder(&part.upload, part.number);
        if let Some(Part { blob: Some(blob), .. }) = &replaced {
            batch.unpoint(&records.object_by_blob, &holder_row(blob, &holder));
        }
        if let Some(blob) = &part.blob {
            batch.point(&records.object_by_blob, &holder_row(blob, &holder), "");
        }
        match old {
            Some(mut seen) => {
                seen.record = part.clone();
                batch.replace(&seen)?;
            }
            None => drop(batch.insert(part)?),
        }
        Ok::<_, Uncommitted>(replaced)
    })?;
    Ok(old)
}
