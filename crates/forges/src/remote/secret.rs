use std::fmt;

use zeroize::Zeroizing;

/// A token of a forge. Nothing shows it, and it is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a token over; white space around it, such as a file's last line break, is no part of it.
    #[must_use]
    pub fn new(token: String) -> Self {
        let token = Zeroizing::new(token);
        Self(Zeroizing::new(token.trim().to_owned()))
    }

    /// The token itself, for a header or the standard input of git alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text of others with the token, should they repeat it, blacked out.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        text.replace(self.expose(), "***")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
