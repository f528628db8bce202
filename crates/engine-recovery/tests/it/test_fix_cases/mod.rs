//! Cases of our own making, as data. The bench of recovery uses the same files.

pub(crate) mod bases;
pub(crate) mod broken;
pub(crate) mod cheats;
pub(crate) mod edit;
pub(crate) mod fourth;
pub(crate) mod fresh;
pub(crate) mod honest;
pub(crate) mod second;
pub(crate) mod third;
