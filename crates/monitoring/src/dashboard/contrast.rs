//! The colours of the style sheet, read from it and measured as WCAG 2.2 says.

use std::collections::BTreeMap;

use super::pages::assets::STYLE;

type Colours = BTreeMap<String, [f64; 3]>;

/// The colours of both schemes: those of the dark one stand in place of the light ones.
fn schemes() -> [(&'static str, Colours); 2] {
    let (light, dark) = STYLE
        .split_once("@media (prefers-color-scheme: dark)")
        .expect("the style sheet has a dark scheme");
    let light = colours(light);
    let mut both = light.clone();
    both.extend(colours(dark));
    [("light", light), ("dark", both)]
}

/// The custom properties that are colours, up to the end of the first block of them.
fn colours(css: &str) -> Colours {
    let start = css.find(":root {").expect("a block of colours");
    let block = &css[start..];
    let block = &block[..block.find('}').expect("the block ends")];
    block
        .lines()
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
            let value = value.strip_suffix(';')?;
            let channel = |at: usize| u8::from_str_radix(value.get(at..at + 2)?, 16).ok();
            let rgb = [channel(0)?, channel(2)?, channel(4)?];
            Some((name.to_owned(), rgb.map(|it| f64::from(it) / 255.0)))
        })
        .collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|it| match it {
        ..=0.04045 => it / 12.92,
        _ => ((it + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(left: [f64; 3], right: [f64; 3]) -> f64 {
    let (left, right) = (luminance(left), luminance(right));
    (left.max(right) + 0.05) / (left.min(right) + 0.05)
}

fn check(over: &[&str], under: &[&str], least: f64) {
    for (scheme, colours) in schemes() {
        for over in over {
            for under in under {
                let ratio = contrast(colours[*over], colours[*under]);
                assert!(
                    ratio >= least,
                    "{scheme}: {over} on {under} is {ratio:.2}, not {least}"
                );
            }
        }
    }
}

#[test]
fn text_can_be_read_on_every_ground() {
    let grounds = ["ground", "sheet", "sunken"];
    check(&["ink", "quiet", "accent"], &grounds, 4.5);
    check(
        &["live", "good", "bad", "person", "repair", "idle"],
        &grounds,
        4.5,
    );
    for tone in ["live", "good", "bad", "person", "repair", "idle"] {
        let wash = format!("{tone}-wash");
        check(&[tone, "ink", "quiet"], &[&wash], 4.5);
    }
    // Buttons that stand out are ink with the ground's colour as text.
    check(&["ground"], &["ink", "quiet"], 4.5);
}

#[test]
fn lines_and_bars_can_be_seen() {
    let bars = [
        "bar-live",
        "bar-good",
        "bar-bad",
        "bar-person",
        "bar-repair",
        "bar-idle",
    ];
    check(&bars, &["sheet"], 3.0);
    check(&["line-strong"], &["sheet", "ground"], 3.0);
}

#[test]
fn both_schemes_define_the_same_colours() {
    let (light, dark) = STYLE
        .split_once("@media (prefers-color-scheme: dark)")
        .expect("two schemes");
    let names = |css| colours(css).into_keys().collect::<Vec<_>>();
    assert_eq!(names(light), names(dark));
    assert!(names(light).len() >= 25, "{:?}", names(light));
}
