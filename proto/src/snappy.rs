//! The snappy block format of remote write: the declared length is checked before anything is allocated.
//! Not for the framed (stream) format.

use crate::error::{Error, Result};

/// Decompresses one snappy block of at most `limit` decompressed bytes.
///
/// # Errors
/// [`Error::TooLarge`] by the declared length alone, [`Error::Snappy`] for anything that is not a block.
pub fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>> {
    let declared = declared_len(body)?;
    if declared > limit {
        return Err(Error::TooLarge {
            declared: declared as u64,
            limit: limit as u64,
        });
    }
    snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(|_| Error::Snappy {
            what: "its elements do not give the declared bytes",
        })
}

/// The number of decompressed bytes a block declares; nothing is known about whether it keeps the promise.
///
/// # Errors
/// [`Error::Snappy`] when the body does not begin with a length.
pub fn declared_len(body: &[u8]) -> Result<usize> {
    if body.is_empty() {
        return Err(Error::Snappy { what: "empty body" });
    }
    snap::raw::decompress_len(body).map_err(|_| Error::Snappy {
        what: "no length at its start",
    })
}

/// Compresses bytes into one snappy block.
///
/// # Panics
/// When `bytes` is longer than 4 GiB, which the format cannot say.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new()
        .compress_vec(bytes)
        .expect("only inputs over 4 GiB are refused")
}

#[cfg(test)]
mod tests;
