//! PostObject: a form is read as far as its file, then it is known who has signed its policy and
//! what that allows, and only then the file is read.
//!
//! ```text
//!   fields ──▶ policy's signature ──▶ policy over fields ──▶ as PutObject: may they, is there room
//!                                                                │
//!   the file ── out of the form, counted against the policy ─────┴──▶ one commit
//! ```
//! Whoever holds a form acts for the one who signed its policy. A form that nobody signed comes from
//! nobody, who may write where a bucket lets everybody: none does, by the lists that are offered.

use std::time::Duration;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::Address;
use common::s3::conditions::WriteConditions;
use common::s3::form::{self, Begun, FileBytes, MAX_FIELDS};
use common::s3::permissions::{posting, signed_form};
use common::s3::post_object::{PostObject, Posted};
use common::s3::post_policy::{Policy, Sizes};
use common::s3::routes::Operation;
use common::sign::{PolicyClaim, SignError};
use runtime::http::{Body, Head, Response};
use runtime::pool;

use super::front::{Decided, Front, send};
use super::objects::{Objects, Wanted, foresee, keep};
use super::permit::Key;
use super::refusal::{Refusal, mismatch, refused_form};
use super::service::{Asked, Operate, Scene};
use super::trace::Trace;
use crate::arrival::may_be_part;
use crate::blob::hash::{Digested, Expected, InForm};
use crate::blob::receive::read_past;
use crate::blob::uploads::Ticket;

/// How long the fields of a form may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A form whose fields were read and allowed.
pub(super) struct PostForm {
    post: PostObject,
    bytes: FileBytes,
    /// The most bytes that the file can have, by the length of the form.
    most: u64,
    /// The URL of the bucket.
    base: String,
}

impl Front {
    /// Answers a form; says whose it is as soon as that is known.
    pub(super) async fn post(
        &self,
        head: &Head,
        decided: Decided,
        mut body: Body,
        trace: &mut Trace,
    ) -> Result<Response, Refusal> {
        match self.open_form(head, &decided, &mut body, trace).await {
            Ok(operation) => {
                let caller = trace.caller.clone();
                let asked = Asked { operation, caller, body, signed_sha256: None, chain: None };
                Ok(send(&self.objects, asked).await?)
            }
            Err(refusal) => {
                read_past(&mut body).await;
                Err(refusal)
            }
        }
    }

    async fn open_form(
        &self,
        head: &Head,
        decided: &Decided,
        body: &mut Body,
        trace: &mut Trace,
    ) -> Result<PostForm, Refusal> {
        let Address::Bucket(bucket) = &decided.address else {
            return Err(ApiError::internal("The request was routed wrongly", &head.raw_path).into());
        };
        let boundary = form::boundary(head.header("content-type"))?;
        if decided.caller.is_some() {
            let text = "A form is signed by its policy, not by a header or its URL";
            return Err(ApiError::new(ErrorCode::InvalidArgument, text).into());
        }
        let length = body.length().ok_or_else(|| {
            let text = "You must provide the Content-Length HTTP header";
            ApiError::new(ErrorCode::MissingContentLength, text)
        })?;
        let Begun { mut fields, filename, before, bytes } = read_fields(body, &boundary).await?;
        fields.name_file(&filename, MAX_FIELDS)?;
        let claim = PolicyClaim::read(fields.pairs()).map_err(|error| refused_form(&error))?;
        let (mut sizes, mut by) = (None, None);
        if let Some(claim) = claim {
            let version4 = fields.get("x-amz-signature").is_some();
            trace.claims_by_form(claim.access_key_id(), version4);
            let token = claim.session_token().map(str::to_owned);
            let key = Key { id: claim.access_key_id().to_owned(), token };
            let credential = self.door.credential(&key).await?;
            match claim.verify(&credential.secret) {
                Err(SignError::SignatureDoesNotMatch) => return Err(mismatch(claim.explain())),
                other => other.map_err(|error| refused_form(&error))?,
            }
            self.door.saw(&key);
            trace.caller = Some(Caller::from(credential));
            by = Some(key);
            let policy = Policy::read(claim.policy())?;
            if fields.get("bucket").is_none() {
                fields.add("bucket", bucket.as_str())?;
            }
            policy.check(&fields, self.clock.now())?;
            sizes = policy.sizes();
        }
        let post = PostObject::read(bucket.clone(), &fields, sizes)?;
        trace.address = Some(Address::Object(bucket.clone(), post.key.clone()));
        if let (Some(who), Some(key)) = (trace.caller.clone(), by) {
            let needs = posting(bucket, &post.key, fields.get("acl").is_some());
            let said = Operation::PostObject.said(&decided.request());
            let said = said
                .and(&signed_form(fields.get("x-amz-signature").is_some()))
                .with_some("s3:x-amz-acl", fields.get("acl"));
            trace.caller = Some(self.door.permit((who, &key), head, &needs, &said).await?);
        }
        let most = length.saturating_sub(before).saturating_sub(bytes.least_end());
        let base = format!("{}{}", decided.origin, head.raw_path.trim_end_matches('/'));
        Ok(PostForm { post, bytes, most, base })
    }
}

/// Reads a form as far as its file.
async fn read_fields(body: &mut Body, boundary: &str) -> Result<Begun, ApiError> {
    let mut head = form::Head::new(boundary);
    let read = async {
        loop {
            let Some(piece) = body.next().await else {
                let text = "The body of your POST request is not well-formed multipart/form-data: \
                            it ends before its file";
                return Err(ApiError::new(ErrorCode::MalformedPostRequest, text));
            };
            let piece = piece.map_err(|error| {
                let text = "The body broke off before its end";
                ApiError::new(ErrorCode::IncompleteBody, text).because(error)
            })?;
            if let Some(begun) = head.push(&piece)? {
                return Ok(begun);
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| {
        let text = "The fields of the form did not come in time";
        Err(ApiError::new(ErrorCode::RequestTimeout, text))
    })
}

impl Operate for PostForm {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, ticket) = match self.admit(&scene).await {
            Ok(admitted) => admitted,
            Err(error) => {
                let Scene { mut body, permit, .. } = scene;
                // Whoever was refused must not keep others out for as long as they like to send.
                drop(permit);
                read_past(&mut body).await;
                return Err(error);
            }
        };
        let state = scene.state();
        let sizes = self.sizes(&state);
        let Self { post, bytes, base, .. } = self;
        let Scene { body, permit, .. } = scene;
        let expected = Expected {
            md5: post.md5.clone(),
            given: post.checksum.clone(),
            sha1: may_be_part(&post.key),
            form: Some(InForm { bytes, sizes }),
            ..Expected::default()
        };
        let received = state.receiver.receive(body, 0, expected, ticket).await?;
        let wanted = Wanted {
            bucket: post.bucket.clone(),
            key: post.key.clone(),
            acl: post.acl,
            conditions: WriteConditions::default(),
            attributes: post.attributes.clone(),
        };
        let Digested { md5: etag, checksum, .. } = keep(state, caller, wanted, received).await?;
        drop(permit);
        let Posted { status, location, document } = post.answer(&base, &etag);
        let mut response = match document {
            Some(document) => Response::text(status, "application/xml", document),
            None => Response::empty(status),
        }
        .with("location", location)
        .with("etag", format!("\"{etag}\""));
        response.headers.extend(checksum.to_headers());
        Ok(response)
    }
}

impl PostForm {
    /// How many bytes the file may have: by the policy, and in one piece.
    fn sizes(&self, state: &Objects) -> Vec<Sizes> {
        let whole = Sizes { least: 0, most: state.max_bytes };
        self.post.sizes.into_iter().chain([whole]).collect()
    }

    /// All that can be refused before the file.
    async fn admit(&self, scene: &Scene<Objects>) -> Result<(Caller, Option<Ticket>), ApiError> {
        let caller = scene.signed_caller()?;
        // Fields may follow the file; all the rest must be its.
        let least = self.most.saturating_sub(MAX_FIELDS as u64);
        let state = scene.state();
        for sizes in self.sizes(&state).iter().filter(|sizes| least > sizes.most) {
            sizes.check(least)?;
        }
        let (name, key, who) = (self.post.bucket.clone(), self.post.key.clone(), caller.clone());
        pool::block(move || {
            let conditions = WriteConditions::default();
            foresee(&state.content.records, &who, (&name, &key), &conditions, least)
        })
        .await??;
        Ok((caller, scene.receiver.begin(self.most).await?))
    }
}
