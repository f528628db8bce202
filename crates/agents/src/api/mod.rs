//! Models by their own interfaces, for those who have a key and no program: the Anthropic Messages API,
//! Chat Completions as OpenAI has it and many serve it (Ollama, vLLM), and OpenAI's Responses API.
//!
//! The model works by tools of ours: it lists, reads and searches files, edits them, and runs the tests
//! where it is asked to repair them. Nothing else is done in its name, and no path leads out of its folder.

mod agent;
mod asking;
mod interface;
mod kept;
mod tools;

pub use agent::{ApiAgent, ApiAgentOptions};
pub use interface::Interface;
