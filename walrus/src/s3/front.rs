//! The one way of an S3 request: what it names, who sent it, which operation, whether policies
//! allow it, the actor, the answer, one line in the log and one record.
//!
//! Bytes are read only after all of that was decided. A body that nobody reads any more is read
//! past for a moment, because many clients write it to its end before they look at the answer.

use std::sync::{Arc, Mutex, PoisonError};

use actix::Addr;
use common::action::Caller;
use common::error::{ApiError, ErrorCode, OrApiError as _};
use common::s3::acl::{GetAcl, PutAcl};
use common::s3::attributes::GetObjectAttributes;
use common::s3::buckets::{CreateBucket, DeleteBucket, GetBucketLocation, HeadBucket, ListBuckets};
use common::s3::configuration::GetConfiguration;
use common::s3::copy::{CopyObject, CopySource, SOURCE, UploadPartCopy};
use common::s3::integrity::Integrity;
use common::s3::listing::{ListObjectVersions, ListObjects, ListObjectsV2};
use common::s3::multipart::begin::{AbortMultipartUpload, CreateMultipartUpload, UploadPart};
use common::s3::multipart::complete::{CompleteMultipartUpload, MAX_LIST};
use common::s3::multipart::lists::{ListMultipartUploads, ListParts};
use common::s3::multipart::terms::UploadName;
use common::s3::objects::{DeleteObject, GetObject, HeadObject, PutObject};
use common::s3::permissions::signed;
use common::s3::routes::{self, Operation};
use common::s3::{Address, BucketName, ObjectKey, Query, Request, xml};
use common::sign::{self, Chain, Claim, PayloadCheck, Scheme, SignError, presigned};
use common::time::Timestamp;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::http::{App, Body, Head, Payload, Response};
use sha2::{Digest as _, Sha256};

use super::access::denied;
use super::acl::ChangeAcl;
use super::buckets::Buckets;
use super::configuration::GetObjectTagging;
use super::delete_objects::{DeleteObjects, Removals};
use super::domains::Domains;
use super::objects::Objects;
use super::permit::{Doorkeeper, Key};
use super::permits::{Permit, Permits, slow_down};
use super::refusal::{Refusal, mismatch, refused};
use super::service::{Asked, Operate, S3Actor};
use super::tally::Tally;
use super::trace::{Noted, Recorder, Trace};
use crate::blob::receive::read_past;

/// How many lists of parts are read at once.
pub(crate) const LISTS: usize = 32;

/// The S3 API on the public listener.
pub(crate) struct Front {
    /// Who knows the callers.
    pub(crate) door: Doorkeeper,
    /// The time.
    pub(crate) clock: Clock,
    /// Below which names hosts are buckets.
    pub(crate) domains: Domains,
    /// Operations on buckets.
    pub(crate) buckets: Addr<S3Actor<Buckets>>,
    /// Operations on objects.
    pub(crate) objects: Addr<S3Actor<Objects>>,
    /// Removing many objects at once.
    pub(crate) removals: Addr<S3Actor<Removals>>,
    /// Leave to hold a list of parts, which is large.
    pub(crate) lists: Mutex<Permits>,
    /// How many requests there were.
    pub(crate) tally: Tally,
    /// Who keeps records of requests.
    pub(crate) recorder: Recorder,
}

/// Who sent a request, and what their signature says of its body.
#[derive(Default)]
struct Authentic {
    by: Option<(Caller, Key)>,
    scheme: Option<Scheme>,
    payload: Option<PayloadCheck>,
    chain: Option<Chain>,
}

impl App for Front {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(head, body, Trace::default()))
    }
}

/// The same S3 where only services of the cloud ask, for somebody: by a session that says for whom and from
/// where. It answers nobody's own credentials.
pub(crate) struct Inside(pub(crate) Arc<Front>);

impl App for Inside {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        let trace = Trace { inside: true, ..Trace::default() };
        Box::pin(self.0.answer(head, body, trace))
    }
}

impl Front {
    async fn answer(&self, head: Head, mut body: Body, mut trace: Trace) -> Response {
        let begun = self.clock.now();
        let answered = match self.decide(&head, &mut trace).await {
            Ok(decided) if decided.operation == Operation::PostObject => {
                self.post(&head, decided, body, &mut trace).await
            }
            Ok(decided) => self.perform(decided, body, &trace.noted).await.map_err(Refusal::from),
            Err(refusal) => {
                read_past(&mut body).await;
                Err(refusal)
            }
        };
        let error = answered.as_ref().err().map(|refusal| &refusal.error);
        let kept = self.recorder.keep(&trace, &head, error, self.clock.now()).await;
        let answered = answered.and_then(|response| kept.map(|()| response).map_err(Refusal::from));
        let (mut response, code) = match answered {
            Ok(response) => (response, None),
            Err(refusal) => {
                let code = refusal.error.code();
                (self.refuse(&head, &trace, &refusal), Some(code))
            }
        };
        let status = response.status;
        self.tally.note(trace.caller.as_ref().map(|caller| &caller.account), status);
        response =
            response.with("x-amz-request-id", head.request_id.as_str()).with("server", "Walrus");
        tracing::info!(
            request_id = head.request_id,
            caller = trace.caller.map(|caller| caller.arn()).unwrap_or_default(),
            operation = trace.operation.map(|one| format!("{one:?}")).unwrap_or_default(),
            resource = trace.resource.unwrap_or_default(),
            status,
            code = code.map(ErrorCode::wire).unwrap_or_default(),
            millis = u64::try_from(self.clock.now().since(begun).as_millis()).unwrap_or(u64::MAX),
            "request"
        );
        response
    }

    /// Everything before the bytes.
    async fn decide(&self, head: &Head, trace: &mut Trace) -> Result<Decided, Refusal> {
        let bucket = head.header("host").and_then(|host| self.domains.bucket(host));
        let address = Address::parse(bucket.as_deref(), &head.raw_path)?;
        trace.resource = Some(address.resource());
        trace.address = Some(address.clone());
        let query = Query::parse(&head.raw_query);
        if let Ok(query) = &query {
            let row = routes::row(&head.method, address.level(), query).ok();
            trace.route = row;
            let offered = row.and_then(|row| row.operation);
            trace.operation = offered.map(|it| it.copying(head.header(SOURCE).is_some()));
        }
        let request = head.signed(None).with_virtual_bucket(bucket.as_deref());
        let Authentic { by, scheme, payload, chain } = self.authenticate(&request, trace).await?;
        trace.caller = by.as_ref().map(|(caller, _)| caller.clone());
        let mut query = query?;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_owned(), text(value)));
        let mut headers: Vec<_> = headers.collect();
        let dated = query.get("X-Amz-Date").and_then(|date| Timestamp::parse_basic(date).ok());
        if let Some(scheme) = presigned(&request) {
            query = query.without_signature(scheme, &mut headers);
        }
        let names_source = head.header(SOURCE).is_some();
        let operation = routes::find(&head.method, address.level(), &query)?.copying(names_source);
        trace.operation = Some(operation);
        let mut decided = Decided {
            address,
            query,
            headers,
            origin: head.origin(),
            operation,
            caller: None,
            payload: payload.unwrap_or(PayloadCheck::Unsigned),
            chain,
        };
        decided.request().refuse_unknown_wishes(operation.honours())?;
        if let Operation::CopyObject | Operation::UploadPartCopy = operation {
            let source = CopySource::read(&decided.request()).ok();
            trace.source = source.map(|source| format!("{}/{}", source.bucket, source.key));
        }
        if let Some((caller, key)) = by {
            let needs = operation.needs(&decided.request())?;
            let said = operation.said(&decided.request());
            let signed = scheme.map(|scheme| signed(scheme, dated, self.clock.now()));
            let said = said.and(&signed.unwrap_or_default());
            let seen = trace.seen(head);
            decided.caller = Some(self.door.permit((caller, &key), &seen, &needs, &said).await?);
        }
        self.recorder.ready(trace)?;
        Ok(decided)
    }

    async fn authenticate(
        &self,
        request: &sign::Request<'_>,
        trace: &mut Trace,
    ) -> Result<Authentic, Refusal> {
        let presigned = presigned(request);
        let claim = Claim::s3(request).map_err(|error| refused(&error, presigned))?;
        let outside = || {
            let text = "S3 is asked for at its public address, and not here";
            Refusal::from(ApiError::new(ErrorCode::AccessDenied, text))
        };
        let Some(claim) = claim else {
            return if trace.inside { Err(outside()) } else { Ok(Authentic::default()) };
        };
        trace.claims(claim.access_key_id(), claim.scheme());
        let token = claim.session_token().map(str::to_owned);
        let key = Key { id: claim.access_key_id().to_owned(), token };
        let credential = self.door.credential(&key).await?;
        match claim.verify(&credential.secret, self.clock.now()) {
            Ok(_) if trace.inside && credential.via.is_none() => Err(outside()),
            Ok(verified) => {
                self.door.saw(&key);
                trace.via.clone_from(&credential.via);
                Ok(Authentic {
                    chain: claim.chain(&credential.secret),
                    by: Some((Caller::from(credential), key)),
                    scheme: Some(verified.scheme),
                    payload: Some(verified.payload),
                })
            }
            Err(SignError::SignatureDoesNotMatch) => Err(mismatch(claim.explain())),
            Err(error) => Err(refused(&error, presigned)),
        }
    }

    async fn perform(
        &self,
        decided: Decided,
        mut body: Body,
        noted: &Noted,
    ) -> Result<Response, ApiError> {
        let request = decided.request();
        let (caller, payload, chain) =
            (decided.caller.clone(), decided.payload, decided.chain.clone());
        let (buckets, objects) = (&self.buckets, &self.objects);
        match (decided.operation, decided.address.clone()) {
            (Operation::ListBuckets, _) => ask(buckets, ListBuckets, caller).await,
            (Operation::CreateBucket, Address::Bucket(bucket)) => {
                let document = read_document(body, payload).await?;
                let operation = CreateBucket::read(bucket, &request, &document)?;
                ask(buckets, operation, caller).await
            }
            (Operation::HeadBucket, Address::Bucket(bucket)) => {
                ask(buckets, HeadBucket { bucket }, caller).await
            }
            (Operation::DeleteBucket, Address::Bucket(bucket)) => {
                ask(buckets, DeleteBucket { bucket }, caller).await
            }
            (Operation::GetBucketLocation, Address::Bucket(bucket)) => {
                ask(buckets, GetBucketLocation { bucket }, caller).await
            }
            (Operation::ListObjects, Address::Bucket(bucket)) => {
                ask(buckets, ListObjects::read(bucket, &request)?, caller).await
            }
            (Operation::ListObjectsV2, Address::Bucket(bucket)) => {
                ask(buckets, ListObjectsV2::read(bucket, &request)?, caller).await
            }
            (Operation::ListObjectVersions, Address::Bucket(bucket)) => {
                ask(buckets, ListObjectVersions::read(bucket, &request)?, caller).await
            }
            (Operation::DeleteObjects, Address::Bucket(bucket)) => {
                let read = Integrity::read(&request).and_then(|integrity| {
                    integrity.demand()?;
                    Ok(DeleteObjects { bucket, integrity, noted: noted.clone() })
                });
                send_document(&self.removals, read, caller, payload, body).await
            }
            (Operation::GetConfiguration(configuration), Address::Bucket(bucket)) => {
                ask(buckets, GetConfiguration { bucket, configuration }, caller).await
            }
            (Operation::GetBucketAcl, Address::Bucket(bucket)) => {
                ask(buckets, GetAcl { bucket, key: None }, caller).await
            }
            (Operation::GetObjectAcl, Address::Object(bucket, key)) => {
                ask(buckets, GetAcl { bucket, key: Some(key) }, caller).await
            }
            (Operation::PutBucketAcl, Address::Bucket(bucket)) => {
                let change = change_acl(bucket, None, &request, noted);
                send_document(buckets, change, caller, payload, body).await
            }
            (Operation::PutObjectAcl, Address::Object(bucket, key)) => {
                let change = change_acl(bucket, Some(key), &request, noted);
                send_document(buckets, change, caller, payload, body).await
            }
            (Operation::GetObjectAttributes, Address::Object(bucket, key)) => {
                ask(objects, GetObjectAttributes::read(bucket, key, &request)?, caller).await
            }
            (Operation::GetObjectTagging, Address::Object(bucket, key)) => {
                ask(buckets, GetObjectTagging { bucket, key }, caller).await
            }
            (Operation::PutObject, Address::Object(bucket, key)) => {
                match PutObject::read(bucket, key, &request) {
                    Ok(put) => self.put(put, caller, (payload, chain), body).await,
                    Err(error) => {
                        read_past(&mut body).await;
                        Err(error)
                    }
                }
            }
            (Operation::GetObject, Address::Object(bucket, key)) => {
                ask(objects, GetObject::read(bucket, key, &request)?, caller).await
            }
            (Operation::HeadObject, Address::Object(bucket, key)) => {
                let get = GetObject::read(bucket, key, &request)?;
                ask(objects, HeadObject(get), caller).await
            }
            (Operation::DeleteObject, Address::Object(bucket, key)) => {
                ask(objects, DeleteObject::read(bucket, key, &request)?, caller).await
            }
            (operation, Address::Object(bucket, key)) => {
                self.perform_copy_or_upload((operation, bucket, key), &decided, body).await
            }
            (Operation::ListMultipartUploads, Address::Bucket(bucket)) => {
                ask(objects, ListMultipartUploads::read(bucket, &request)?, caller).await
            }
            (operation, address) => Err(ApiError::internal(
                "The request was routed wrongly",
                format!("{operation:?} on {address:?}"),
            )),
        }
    }

    /// Operations on objects that are copies, or come in parts.
    async fn perform_copy_or_upload(
        &self,
        (operation, bucket, key): (Operation, BucketName, ObjectKey),
        decided: &Decided,
        mut body: Body,
    ) -> Result<Response, ApiError> {
        let request = decided.request();
        let (caller, payload) = (decided.caller.clone(), decided.payload);
        let (objects, chain) = (&self.objects, decided.chain.clone());
        let name = || UploadName::read(bucket.clone(), key.clone(), &request);
        match operation {
            Operation::CopyObject => {
                read_past(&mut body).await;
                ask(objects, CopyObject::read(bucket, key, &request)?, caller).await
            }
            Operation::UploadPartCopy => {
                read_past(&mut body).await;
                ask(objects, UploadPartCopy::read(name(), &request)?, caller).await
            }
            Operation::CreateMultipartUpload => {
                read_past(&mut body).await;
                ask(objects, CreateMultipartUpload::read(bucket, key, &request)?, caller).await
            }
            Operation::UploadPart => match UploadPart::read(name(), &request) {
                Ok(part) => self.put(part, caller, (payload, chain), body).await,
                Err(error) => {
                    read_past(&mut body).await;
                    Err(error)
                }
            },
            Operation::CompleteMultipartUpload => {
                let complete = match self.may_list(caller.as_ref()) {
                    Ok(_permit) => {
                        let list = read_document_of(body, payload, MAX_LIST).await?;
                        CompleteMultipartUpload::read(name(), &request, &decided.origin, &list)?
                    }
                    Err(error) => {
                        read_past(&mut body).await;
                        return Err(error);
                    }
                };
                ask(objects, complete, caller).await
            }
            Operation::AbortMultipartUpload => {
                ask(objects, AbortMultipartUpload(name()), caller).await
            }
            Operation::ListParts => ask(objects, ListParts::read(name(), &request)?, caller).await,
            operation => Err(ApiError::internal(
                "The request was routed wrongly",
                format!("{operation:?} on /{bucket}/{key}"),
            )),
        }
    }

    /// Lets a list of parts be read: of few callers at once, and of nobody without a name, because
    /// it is read as a whole before it is known whether there is such an upload.
    fn may_list(&self, caller: Option<&Caller>) -> Result<Permit, ApiError> {
        let caller = caller.ok_or_else(denied)?;
        let mut permits = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        permits.take(Some(&caller.account)).ok_or_else(slow_down)
    }

    /// Sends the body along.
    async fn put<O: Operate<State = Objects>>(
        &self,
        put: O,
        caller: Option<Caller>,
        (payload, chain): (PayloadCheck, Option<Chain>),
        body: Body,
    ) -> Result<Response, ApiError> {
        let signed_sha256 = match payload {
            PayloadCheck::Sha256(hash) => Some(hash),
            PayloadCheck::Unsigned | PayloadCheck::Chunked(_) => None,
        };
        let asked = Asked { operation: put, caller, body, signed_sha256, chain };
        send(&self.objects, asked).await
    }

    fn refuse(&self, head: &Head, trace: &Trace, refusal: &Refusal) -> Response {
        let error = &refusal.error;
        let status = error.code().status();
        if status >= 500 && error.code() != ErrorCode::NotImplemented {
            self.tally.failed();
            tracing::error!(
                request_id = head.request_id,
                %error,
                cause = error.source_text().unwrap_or_default(),
                "a request failed"
            );
        }
        let resource = trace.resource.as_deref().unwrap_or(&head.raw_path);
        let further = [error.shown(), &refusal.further].concat();
        let document = xml::error(error, resource, &head.request_id, &further);
        let response = match head.method.as_str() {
            "HEAD" => Response { payload: Payload::Empty, ..Response::empty(status) },
            _ => Response::text(status, "application/xml", document),
        };
        let size = further.iter().find(|(name, _)| *name == "ActualObjectSize");
        match size.filter(|_| error.code() == ErrorCode::InvalidRange) {
            Some((_, size)) => response.with("content-range", format!("bytes */{size}")),
            None => response,
        }
    }
}

/// A request that may go on to its bytes.
pub(super) struct Decided {
    pub(super) address: Address,
    query: Query,
    headers: Vec<(String, String)>,
    /// Where the client found this service.
    pub(super) origin: String,
    operation: Operation,
    pub(super) caller: Option<Caller>,
    payload: PayloadCheck,
    chain: Option<Chain>,
}

impl Decided {
    pub(super) fn request(&self) -> Request<'_> {
        Request { address: &self.address, query: &self.query, headers: &self.headers }
    }
}

async fn ask<O: Operate>(
    actor: &Addr<S3Actor<O::State>>,
    operation: O,
    caller: Option<Caller>,
) -> Result<Response, ApiError>
where
    O::State: Unpin,
{
    let body = Body::full(bytes::Bytes::new());
    send(actor, Asked { operation, caller, body, signed_sha256: None, chain: None }).await
}

pub(super) async fn send<O: Operate>(
    actor: &Addr<S3Actor<O::State>>,
    asked: Asked<O>,
) -> Result<Response, ApiError>
where
    O::State: Unpin,
{
    let done = actor.send(asked).await;
    done.or_error(ErrorCode::ServiceUnavailable, "The service is stopping")?
}

fn change_acl(
    bucket: BucketName,
    key: Option<ObjectKey>,
    request: &Request<'_>,
    noted: &Noted,
) -> Result<ChangeAcl, ApiError> {
    let put = PutAcl::read(bucket, key, request)?;
    Ok(ChangeAcl { put, integrity: Integrity::read(request)?, noted: noted.clone() })
}

/// Sends an operation along that reads its document itself, once it is sure that it may.
async fn send_document<O: Operate>(
    actor: &Addr<S3Actor<O::State>>,
    operation: Result<O, ApiError>,
    caller: Option<Caller>,
    payload: PayloadCheck,
    mut body: Body,
) -> Result<Response, ApiError>
where
    O::State: Unpin,
{
    let operation = match (operation, payload) {
        (Ok(_), PayloadCheck::Chunked(_)) => Err(no_chunks()),
        (operation, _) => operation,
    };
    let signed_sha256 = match payload {
        PayloadCheck::Sha256(hash) => Some(hash),
        PayloadCheck::Unsigned | PayloadCheck::Chunked(_) => None,
    };
    match operation {
        Ok(operation) => {
            let asked = Asked { operation, caller, body, signed_sha256, chain: None };
            send(actor, asked).await
        }
        Err(error) => {
            read_past(&mut body).await;
            Err(error)
        }
    }
}

fn no_chunks() -> ApiError {
    ApiError::new(ErrorCode::NotImplemented, "A document in chunks is not offered here")
}

/// A small body, compared with what was signed.
async fn read_document(body: Body, payload: PayloadCheck) -> Result<bytes::Bytes, ApiError> {
    read_document_of(body, payload, xml::MAX_DOCUMENT).await
}

/// A body of at most that many bytes, compared with what was signed.
async fn read_document_of(
    body: Body,
    payload: PayloadCheck,
    most: usize,
) -> Result<bytes::Bytes, ApiError> {
    let document = body.read(most as u64).await.or_error(
        ErrorCode::MalformedXml,
        format!("The body is broken or larger than {most} bytes"),
    )?;
    match payload {
        PayloadCheck::Sha256(hash) if Sha256::digest(&document).as_slice() != hash => {
            let text = "The provided x-amz-content-sha256 header does not match what was computed";
            Err(ApiError::new(ErrorCode::ContentSha256Mismatch, text))
        }
        PayloadCheck::Chunked(_) => Err(no_chunks()),
        PayloadCheck::Sha256(_) | PayloadCheck::Unsigned => Ok(document),
    }
}
