//! Bodies compressed with gzip, deflate, zstd or lz4, decompressed within the limit of bodies. Not for snappy, which is part of remote
//! write's format.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Fault;

/// The window that RFC 8878 recommends every decoder to support.
const WINDOW_BYTES_MIN: usize = 8 << 20;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    Identity,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// What HTTP calls deflate, with zlib's header or, as many write it, without.
    Deflate,
    /// Frames of LZ4.
    Lz4,
}

impl Coding {
    /// The coding of a `Content-Encoding`.
    pub(crate) fn of(name: &str) -> Option<Coding> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Coding::Identity),
            "gzip" => Some(Coding::Gzip),
            "zstd" => Some(Coding::Zstd),
            "deflate" => Some(Coding::Deflate),
            "lz4" => Some(Coding::Lz4),
            _ => None,
        }
    }

    /// The decompressed body.
    ///
    /// # Errors
    /// [`Fault::TooLarge`] as soon as it is over `limit` bytes, [`Fault::Bad`] when it does not decompress.
    pub(crate) fn inflate(self, body: Bytes, limit: usize) -> Result<Bytes, Fault> {
        match self {
            Coding::Identity if body.len() > limit => Err(too_large(limit)),
            Coding::Identity => Ok(body),
            Coding::Gzip => read_within(MultiGzDecoder::new(&body[..]), limit),
            Coding::Deflate if is_zlib(&body) => read_within(ZlibDecoder::new(&body[..]), limit),
            Coding::Deflate => read_within(DeflateDecoder::new(&body[..]), limit),
            Coding::Lz4 => read_within(lz4_flex::frame::FrameDecoder::new(&body[..]), limit),
            Coding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(&body[..]).map_err(|e| broken(&e))?;
                // A frame may ask for a window far beyond what its content may be.
                let window = limit.max(WINDOW_BYTES_MIN).next_power_of_two().ilog2();
                decoder.window_log_max(window).map_err(|e| broken(&e))?;
                read_within(decoder, limit)
            }
        }
    }
}

/// True for a body that begins as zlib's streams do (RFC 1950, section 2.2).
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 15 == 8 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31))
}

fn read_within(reader: impl Read, limit: usize) -> Result<Bytes, Fault> {
    let mut out = Vec::new();
    reader
        .take(limit as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|e| broken(&e))?;
    if out.len() > limit {
        return Err(too_large(limit));
    }
    Ok(Bytes::from(out))
}

fn too_large(limit: usize) -> Fault {
    Fault::TooLarge(format!(
        "the decompressed body is over the limit of {limit} bytes"
    ))
}

fn broken(error: &std::io::Error) -> Fault {
    Fault::Bad(format!("the body does not decompress: {error}"))
}

#[cfg(test)]
mod tests;
