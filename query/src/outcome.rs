//! What becomes of a test script, whichever its language: a script that cannot be read, and its cases that failed.

/// A script that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// Line in the script, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A case that did not give what it must.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Line of its `eval`, from 1.
    pub line: usize,
    /// The query, in the form in which it failed.
    pub query: String,
    /// What the script asks for.
    pub expected: String,
    /// What there was instead.
    pub got: String,
}

/// What became of a script's cases. One `eval` is one case, with all its variants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Cases that gave what they must.
    pub passed: usize,
    /// The others.
    pub failures: Vec<Failure>,
}
