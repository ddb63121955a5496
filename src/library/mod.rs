//! stub
#![allow(missing_docs)]
#[derive(Debug, Clone)]
pub struct Library;
