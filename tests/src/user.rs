//! Somebody with credentials: what an eucarc says, as clients that are typed and as euca.

use std::ffi::OsString;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use common::action::Action;
use common::ec2::images::{DescribeImages, Image, RegisterImage};
use common::ec2::instances::{DescribeInstances, Instance, RunInstances};
use euca::client::{Client, ClientError, Credentials};
use euca::environment::Environment;
use euca::s3::{S3, Upload};
use md5::{Digest as _, Md5};

use crate::wait;

/// A user of a cloud.
pub struct User {
    /// The account's number.
    pub account: String,
    /// The access key.
    pub credentials: Credentials,
    /// What the eucarc sets.
    pub environment: Environment,
    ec2: Client,
    s3: S3,
    folder: PathBuf,
}

/// How a command of euca ended.
#[derive(Debug)]
pub struct Said {
    /// The exit status.
    pub status: u8,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// How the cloud refused something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The API's code.
    pub code: String,
    /// Its sentence.
    pub message: String,
}

impl User {
    /// Whoever owns the credentials in a directory.
    pub fn of(folder: &Path) -> Self {
        let path = std::env::vars_os().find(|(name, _)| name == "PATH");
        let path = path.and_then(|(_, value)| value.into_string().ok()).unwrap_or_default();
        // Nothing else of the caller's: what counts is what the file sets.
        let bare = Environment::new([("PATH", path.as_str()), ("HOME", folder.to_str().unwrap())]);
        let environment = bare.sourced(&folder.join("eucarc"), &[]).unwrap();
        let value = |name: &str| environment.get(name).expect("eucarc sets it").to_owned();
        let credentials = Credentials {
            access_key_id: value("AWS_ACCESS_KEY_ID"),
            secret: value("AWS_SECRET_ACCESS_KEY"),
        };
        let region = value("AWS_DEFAULT_REGION");
        Self {
            account: value("EC2_USER_ID"),
            ec2: Client::new(&value("EC2_URL"), &region, credentials.clone()).unwrap(),
            s3: S3::new(&value("S3_URL"), &region, credentials.clone()).unwrap(),
            credentials,
            environment,
            folder: folder.to_owned(),
        }
    }

    /// A file of the credentials directory by the end of its name.
    pub fn file(&self, end: &str) -> Vec<u8> {
        let entries = std::fs::read_dir(&self.folder).unwrap().flatten();
        let mut named = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(end));
        std::fs::read(named.next().expect("there is such a file").path()).unwrap()
    }

    /// Does an EC2 action.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn ask<A: Action>(&self, action: &A) -> Result<A::Output, ClientError> {
        self.ec2.send(action)
    }

    /// Does an EC2 action that must succeed.
    pub fn send<A: Action>(&self, action: &A) -> A::Output {
        self.ask(action).unwrap_or_else(|error| panic!("{}: {error}", A::NAME))
    }

    /// Tries an EC2 action that must be refused.
    pub fn refused<A: Action>(&self, action: &A) -> Refused {
        match self.ask(action) {
            Ok(_) => panic!("{} was not refused", A::NAME),
            Err(error) => Refused::of(error),
        }
    }

    /// Runs a command of euca.
    pub fn euca(&self, arguments: &[&str]) -> Said {
        let called = ["euca"].iter().chain(arguments).map(OsString::from);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = euca::run(&called.collect::<Vec<_>>(), &self.environment, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { status, out: text(out), err: text(err) }
    }

    /// Runs a command of euca that must succeed; gives what it printed.
    pub fn says(&self, arguments: &[&str]) -> String {
        let said = self.euca(arguments);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "euca {arguments:?}");
        said.out
    }

    /// Makes a bucket unless there is one.
    pub fn make_bucket(&self, bucket: &str) {
        self.s3.create_bucket(bucket, None, None).or_else(owned_already).unwrap();
    }

    /// Makes a bucket, with a canned ACL or without.
    ///
    /// # Errors
    /// As [`S3::create_bucket`].
    pub fn try_make_bucket(&self, bucket: &str, acl: Option<&str>) -> Result<(), ClientError> {
        self.s3.create_bucket(bucket, acl, None)
    }

    /// Puts an object, with a canned ACL or without.
    ///
    /// # Errors
    /// As [`S3::put_object`].
    pub fn try_put(
        &self,
        (bucket, key): (&str, &str),
        acl: Option<&str>,
        bytes: &[u8],
    ) -> Result<(), ClientError> {
        let upload = Upload {
            bucket,
            key,
            acl,
            content_type: "application/octet-stream",
            length: bytes.len() as u64,
            md5: Md5::digest(bytes).into(),
        };
        let open = || Ok(Box::new(Cursor::new(bytes.to_vec())) as Box<dyn Read>);
        self.s3.put_object(&upload, &open, &|_| {})
    }

    /// Puts an object that must be accepted.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let put = self.try_put((bucket, key), None, bytes);
        put.unwrap_or_else(|error| panic!("{bucket}/{key}: {error}"));
    }

    /// Gets an object.
    ///
    /// # Errors
    /// As [`S3::get_object`].
    pub fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        self.s3.get_object(bucket, key, &mut bytes).map(|_| bytes)
    }

    /// What RegisterImage of this location is asked with.
    pub fn registration(location: &str) -> RegisterImage {
        RegisterImage { image_location: Some(location.to_owned()), ..RegisterImage::default() }
    }

    /// Registers an uploaded bundle; gives the image's id.
    pub fn register(&self, location: &str) -> String {
        self.send(&Self::registration(location)).image_id.to_string()
    }

    /// An image as it is described.
    pub fn image(&self, id: &str) -> Image {
        let ask = DescribeImages { image_id: vec![id.to_owned()], ..DescribeImages::default() };
        self.send(&ask).images_set.item.remove(0)
    }

    /// Waits until an image is in a state; gives it then.
    pub fn image_becomes(&self, id: &str, state: &str) -> Image {
        wait::until(&format!("the image {id} is {state}"), || {
            let image = self.image(id);
            if image.image_state == state { Ok(image) } else { Err(Box::new(image)) }
        })
    }

    /// What RunInstances of one instance of an image is asked with.
    pub fn launch(image: &str) -> RunInstances {
        RunInstances { image_id: image.to_owned(), ..RunInstances::default() }
    }

    /// Runs instances; gives their ids.
    pub fn run(&self, launch: &RunInstances) -> Vec<String> {
        let made = self.send(launch).instances_set.item;
        made.into_iter().map(|instance| instance.instance_id.to_string()).collect()
    }

    /// All of the account's instances as they are described.
    pub fn instances(&self) -> Vec<Instance> {
        let described = self.send(&DescribeInstances::default()).reservation_set.item;
        described.into_iter().flat_map(|reservation| reservation.instances_set.item).collect()
    }

    /// An instance as it is described.
    pub fn instance(&self, id: &str) -> Instance {
        let ask =
            DescribeInstances { instance_id: vec![id.to_owned()], ..DescribeInstances::default() };
        self.send(&ask).reservation_set.item.remove(0).instances_set.item.remove(0)
    }

    /// Waits until an instance is in a state; gives it then.
    pub fn instance_becomes(&self, id: &str, state: &str) -> Instance {
        wait::until(&format!("the instance {id} is {state}"), || {
            let instance = self.instance(id);
            if instance.instance_state.name == state {
                Ok(instance)
            } else {
                Err(Box::new(instance))
            }
        })
    }
}

impl Refused {
    /// How an error of a client says it.
    ///
    /// # Panics
    /// If it is something else than a refusal.
    pub fn of(error: ClientError) -> Self {
        match error {
            ClientError::Api { status, code, message } => Self { status, code, message },
            other => panic!("this is no refusal: {other}"),
        }
    }
}

fn owned_already(error: ClientError) -> Result<(), ClientError> {
    match error.code() {
        Some("BucketAlreadyOwnedByYou") => Ok(()),
        _ => Err(error),
    }
}
