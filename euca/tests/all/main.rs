//! The program as it is called, and its clients as they are used, against a server of the tests'
//! own. `cfg(test)` is what tells the lints that functions beside the tests belong to them.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod attributes;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod buckets;
#[cfg(test)]
mod bundling;
#[cfg(test)]
mod checking;
#[cfg(test)]
mod columns;
#[cfg(test)]
mod downloading;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod program;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod saving;
#[cfg(test)]
mod server;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod uploading;
