//! What can be wrong with a body, as facts with fields. Every variant is the sender's fault.

/// Result of decoding.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The body says it decompresses to more than the receiver allows.
    #[error("the body declares {declared} decompressed bytes, the limit is {limit}")]
    TooLarge {
        /// Size the body declares, in bytes.
        declared: u64,
        /// Size the receiver allows, in bytes.
        limit: u64,
    },
    /// The body is not a snappy block.
    #[error("corrupt snappy block: {what}")]
    Snappy {
        /// What is wrong.
        what: &'static str,
    },
    /// A chunk of samples does not decode.
    #[error("corrupt chunk: {what}")]
    Chunk {
        /// What is wrong.
        what: &'static str,
    },
    /// A name or value is not UTF-8.
    #[error("a string is not valid UTF-8")]
    NotUtf8,
    /// The message ends inside a field.
    #[error("protobuf message ends inside a field at byte {offset}")]
    Truncated {
        /// Byte of the decompressed body.
        offset: usize,
    },
    /// A variable-length integer does not fit 64 bits.
    #[error("protobuf integer at byte {offset} is longer than 64 bits")]
    VarintOverflow {
        /// Byte of the decompressed body.
        offset: usize,
    },
    /// A field number that protobuf does not allow.
    #[error("illegal protobuf field number at byte {offset}")]
    FieldNumber {
        /// Byte of the decompressed body.
        offset: usize,
    },
    /// Values stand inside each other deeper than the receiver follows.
    #[error("values are nested deeper than {limit}")]
    TooDeep {
        /// Levels the receiver follows.
        limit: usize,
    },
    /// A field is encoded as another type than the schema says.
    #[error("protobuf field {field} at byte {offset} has wire type {found}")]
    WireType {
        /// The field's number.
        field: u32,
        /// The wire type found, 0 to 7.
        found: u8,
        /// Byte of the decompressed body.
        offset: usize,
    },
}
