//! What all records have in common: how a type becomes a record of the store.

/// Implements [`store::Record`] for the first version of a record.
macro_rules! record {
    ($name:ident, $table:literal, |$it:ident| $key:expr) => {
        impl ::store::Record for $name {
            const TABLE: &'static str = $table;
            const VERSION: u32 = 1;
            type Previous = ::store::NoPrevious;

            fn key(&self) -> String {
                let $it = self;
                $key
            }

            fn upgrade(previous: ::store::NoPrevious) -> Self {
                match previous {}
            }
        }
    };
}
pub(super) use record;
