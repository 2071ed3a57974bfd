//! Where memory comes from: one allocator for all that links this crate, which are the services.
//!
//! What they do in bursts (images are unpacked, passwords hashed, pages made) is done by whichever
//! threads are free. An allocator with an arena a thread that gives back only the end of an arena
//! keeps, for each of them, the most that it ever had: the bound of a step becomes a sum over the
//! threads that ever took it. This one gives back what is free wherever it lies, the large at once;
//! `.cargo/config.toml` sets it so, docs/adr/0012 has what was measured.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;
