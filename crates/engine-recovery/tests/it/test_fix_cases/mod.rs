//! Cases of our own making, as data. The bench of recovery uses the same files.
//!
//! `broken` is what is to be repaired, `cheats` what is to be refused and `honest` what is not. Four further sets,
//! each of cheats and honest fixes, were written later and kept apart, so that it shows how the judgement does on what
//! it was not made for: `second` and `fourth` after it had been mended for those before them, `third` by an
//! independent review, `fresh` in another style.

pub(crate) mod bases;
pub(crate) mod broken;
pub(crate) mod cheats;
pub(crate) mod edit;
pub(crate) mod fourth;
pub(crate) mod fresh;
pub(crate) mod honest;
pub(crate) mod second;
pub(crate) mod third;
