//! What must hold for every page of the console, those to come as well: these tests walk the table of its
//! lines and the links and forms of its pages, in a whole cloud with contents of every kind.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

mod browser;
mod crawl;
mod forbidden;
mod forged;
mod markup;
mod odd;
mod promoted;
mod reached;
mod scripts;
mod site;
mod table;
mod whence;
