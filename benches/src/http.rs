//! A blocking HTTP/1.1 client that does as little as possible, so that it measures the server and not itself.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest wait for an answer: a forced merge of a day takes a while.
const ANSWER_MAX: Duration = Duration::from_secs(600);

/// A kept-open connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    host: String,
    /// The server said that it closes the connection behind its answer.
    closing: bool,
}

impl Client {
    /// Connects to `host:port`.
    pub fn connect(host: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        Ok(Client {
            stream: BufReader::new(stream),
            host: host.to_owned(),
            closing: false,
        })
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        if self.closing {
            *self = Client::connect(&self.host)?;
        }
        self.stream.get_mut().write_all(request)
    }

    /// Sends a remote-write 1.0 body and returns the status.
    pub fn remote_write(&mut self, path: &str, body: &[u8]) -> io::Result<u16> {
        let kind = "application/x-protobuf\r\nX-Prometheus-Remote-Write-Version: 0.1.0";
        self.write(path, kind, "snappy", body)
    }

    /// Sends a remote-write 2.0 body and returns the status.
    pub fn remote_write_v2(&mut self, path: &str, body: &[u8]) -> io::Result<u16> {
        let kind = "application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n\
                    X-Prometheus-Remote-Write-Version: 2.0.0";
        self.write(path, kind, "snappy", body)
    }

    /// Sends OTLP metrics and returns the status.
    pub fn otlp(&mut self, body: &[u8], coding: &str) -> io::Result<u16> {
        self.write("/v1/metrics", "application/x-protobuf", coding, body)
    }

    /// Sends spans as OTLP protobuf and returns the status.
    pub fn spans(&mut self, body: &[u8]) -> io::Result<u16> {
        self.write("/v1/traces", "application/x-protobuf", "identity", body)
    }

    /// Sends lines as Loki's protobuf, compressed by snappy, and returns the status.
    pub fn lines(&mut self, body: &[u8]) -> io::Result<u16> {
        self.write("/loki/api/v1/push", "application/x-protobuf", "snappy", body)
    }

    fn write(&mut self, path: &str, kind: &str, coding: &str, body: &[u8]) -> io::Result<u16> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Encoding: {coding}\r\n\
             User-Agent: kymo-load\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.send(&request)?;
        Ok(self.response()?.0)
    }

    /// Sends a GET and returns status and body.
    pub fn get(&mut self, path: &str) -> io::Result<(u16, String)> {
        self.bare("GET", path)
    }

    /// Sends a POST without a body and returns status and body.
    pub fn post(&mut self, path: &str) -> io::Result<(u16, String)> {
        self.bare("POST", path)
    }

    fn bare(&mut self, method: &str, path: &str) -> io::Result<(u16, String)> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
            self.host
        );
        self.send(request.as_bytes())?;
        self.response()
    }

    fn response(&mut self) -> io::Result<(u16, String)> {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "not an HTTP/1.1 response");
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .ok_or_else(bad)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(n) = header.strip_prefix("content-length:") {
                length = n.trim().parse().map_err(|_| bad())?;
            }
            chunked |= header == "transfer-encoding: chunked";
            self.closing |= header == "connection: close";
        }
        let mut body = Vec::new();
        if chunked {
            self.chunks(&mut body)?;
        } else {
            body.resize(length, 0);
            self.stream.read_exact(&mut body)?;
        }
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let len = usize::from_str_radix(line.trim_end(), 16)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "chunk length"))?;
            let start = body.len();
            body.resize(start + len + 2, 0);
            self.stream.read_exact(&mut body[start..])?;
            body.truncate(start + len);
            if len == 0 {
                return Ok(());
            }
        }
    }
}
