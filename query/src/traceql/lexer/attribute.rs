//! Names of attributes: everything up to white space or a sign of the language, with quoted parts that may hold those.
//! Not for scopes.

/// A name at the start of a text.
pub(super) struct Named {
    /// Bytes of its spelling; 0 when a sign follows at once.
    pub(super) len: usize,
    /// The name, or what is wrong with its spelling.
    pub(super) name: Result<String, String>,
}

/// True for characters that end a name where it is not quoted. Arithmetic signs, brackets and colons belong to names.
pub(in crate::traceql) fn ends_name(c: char) -> bool {
    c.is_whitespace() || "{}()=~!<>&|^,".contains(c)
}

pub(super) fn read(text: &str) -> Named {
    let (mut name, mut quoted) = (String::new(), false);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => name.push(escaped),
                Some((end, other)) => {
                    return Named {
                        len: end,
                        name: Err(format!("invalid escape sequence: \\{other}")),
                    };
                }
                None => break,
            },
            _ if quoted => name.push(c),
            _ if ends_name(c) => {
                return Named {
                    len: at,
                    name: Ok(name),
                };
            }
            _ => name.push(c),
        }
    }
    Named {
        len: text.len(),
        name: if quoted {
            Err("unexpected EOF, expecting \"".to_owned())
        } else {
            Ok(name)
        },
    }
}
