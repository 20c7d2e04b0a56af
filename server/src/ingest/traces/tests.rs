//! What is refused of a request, and why.
