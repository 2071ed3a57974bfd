//! How actions look on the wire: dotted query parameters in, XML out, errors in each API's shape.

pub mod answer;
pub mod query;
pub mod shape;
pub mod xml;
