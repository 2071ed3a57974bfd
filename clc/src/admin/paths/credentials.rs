//! Credentials, as a zip or file by file.

use std::path::{Path, PathBuf};

use common::administration::credentials::{Credentials, File, GetCredentials};
use common::error::{ApiError, ErrorCode};
use common::wire::people::ZipKind;
use runtime::actor::{Handle, Scene};

use super::Paths;
use super::users::{Named, may_become};
use crate::identity::accounts;
use crate::identity::credentials::place;
use crate::people::credentials;

/// What was asked for, and is there.
pub struct Wanted {
    user: String,
    kind: ZipKind,
    directory: Option<PathBuf>,
}

impl Handle<Paths> for GetCredentials {
    type Checked = Wanted;

    async fn check(self, scene: &Scene<Paths>) -> Result<Wanted, ApiError> {
        let kind = match self.kind.as_deref() {
            None | Some("whole") => ZipKind::Whole,
            Some("keys") => ZipKind::Keys,
            Some(other) => {
                let why = format!("'{other}' is neither whole nor keys");
                return Err(ApiError::invalid("Kind", why));
            }
        };
        let directory = self.directory.map(PathBuf::from);
        if directory.as_ref().is_some_and(|it| !it.is_absolute()) {
            return Err(ApiError::invalid("Directory", "it is an absolute path"));
        }
        let caller = scene.caller.clone();
        let user = self.user_name.unwrap_or_else(|| caller.alias.clone());
        scene
            .people
            .work(move |people| match Named::find(&people.records, &user)? {
                named @ Named::Account if !may_become(&caller, &named, &user) => {
                    let text = format!(
                        "The credentials of '{user}', whom no policy limits, are told to nobody \
                         else: your own keys are made by IAM"
                    );
                    Err(ApiError::new(ErrorCode::UnauthorizedOperation, text))
                }
                Named::Account => Ok(Wanted { user, kind, directory }),
                Named::Administrator(user) => {
                    let text = format!(
                        "Credentials are made for the owners of accounts; '{user}' is a user inside \
                         the cloud's own, whose keys are told by DescribeUsers and made by IAM"
                    );
                    Err(ApiError::new(ErrorCode::UnsupportedOperation, text))
                }
            })
            .await
    }

    async fn act(wanted: Wanted, scene: &Scene<Paths>) -> Result<Credentials, ApiError> {
        let Wanted { user, kind, directory } = wanted;
        scene
            .people
            .work(move |people| {
                let account = accounts::find(&people.records, &user)?;
                let made = Credentials {
                    user_name: account.alias,
                    account: account.number.to_string(),
                    ..Credentials::default()
                };
                let Some(directory) = directory else {
                    let zip = credentials::zip(people, &user, kind)?;
                    return Ok(Credentials {
                        file_name: zip.file_name,
                        base64: zip.base64,
                        ..made
                    });
                };
                let files = credentials::files(people, &user, kind)?.files;
                let placed = |file| File {
                    text: place(&file, Path::new(&directory)),
                    name: file.name,
                    secret: file.secret,
                };
                let files = files.into_iter().map(placed).collect::<Vec<_>>();
                Ok(Credentials { files: files.into(), ..made })
            })
            .await
    }
}
