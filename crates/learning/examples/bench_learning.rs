//! Retrieval and opening at 100,000 records: `cargo xtask bench learning`.
//!
//! Held against a plain exhaustive BM25 in memory and against tantivy, over the same tokens, in turns. Texts are
//! made by chance, with words as frequent as in natural texts. With `--json` standard output has a line for each
//! claim.

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
    time::Instant,
};

use core_types::{RunId, TaskId};
use learning::{Execution, FeedbackLoop, Outcome};
use serde_json::{Value, json};
use testkit::Rounds;

const RECORDS: usize = 100_000;
const QUERIES: usize = 100;
const WORDS_A_RECORD: usize = 60;
const WORDS_A_QUERY: usize = 20;
const VOCABULARY: usize = 50_000;
const ROUNDS: usize = 5;
const TOP: usize = 10;
const OPENINGS: usize = 7;

type Failure = Box<dyn Error>;

fn main() -> Result<ExitCode, Failure> {
    let folder = env::temp_dir().join(format!("automation-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let claims = runtime.block_on(measure(&folder));
    fs::remove_dir_all(&folder)?;
    let claims = claims?;
    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] != "falls short");
    Ok(ExitCode::from(u8::from(!all_hold)))
}

async fn measure(folder: &Path) -> Result<Vec<Value>, Failure> {
    let mut words = Words::new(7);
    let corpus: Vec<String> = (0..RECORDS).map(|_| words.text(WORDS_A_RECORD)).collect();
    let queries: Vec<String> = (0..QUERIES).map(|_| words.text(WORDS_A_QUERY)).collect();
    say("writing records");
    let feedback = folder.join("feedback");
    let appending = write(&feedback, &corpus).await?;
    let plain = Plain::new(&corpus);
    let mut peer = Peer::start(folder, &corpus, &queries);
    if let Err(why) = &peer {
        say(format!("tantivy: {why}"));
    }

    let mut opening = Rounds::default();
    for _ in 0..OPENINGS {
        let began = Instant::now();
        let opened = FeedbackLoop::open(&feedback)?;
        let found = opened.similar_blocking(&queries[0], TOP)?;
        opening.add(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(found.len(), TOP, "the first query is answered");
    }

    let ours = FeedbackLoop::open(&feedback)?;
    let (mut our_p50, mut plain_p50, mut peer_p50) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    let (mut our_p99, mut same, mut peer_same) = (Rounds::default(), 0, 0);
    for round in 0..ROUNDS {
        let (mut our_times, mut plain_times) = (Vec::new(), Vec::new());
        let mut found = Vec::new();
        for query in &queries {
            let began = Instant::now();
            let similar = ours.similar_blocking(query, TOP)?;
            our_times.push(began.elapsed().as_secs_f64() * 1e3);
            let began = Instant::now();
            let expected = plain.search(query);
            plain_times.push(began.elapsed().as_secs_f64() * 1e3);
            let numbers: Vec<usize> = similar
                .iter()
                .filter_map(|it| it.task.as_str().strip_prefix("task-")?.parse().ok())
                .collect();
            same += numbers.iter().filter(|it| expected.contains(it)).count();
            found.push(numbers);
        }
        our_p50.add(percentile(&mut our_times, 50));
        our_p99.add(percentile(&mut our_times, 99));
        plain_p50.add(percentile(&mut plain_times, 50));
        if let Ok(peer) = &mut peer {
            let (mut times, theirs) = peer.answer()?;
            peer_p50.add(percentile(&mut times, 50));
            for (ours, theirs) in found.iter().zip(&theirs) {
                peer_same += ours.iter().filter(|it| theirs.contains(it)).count();
            }
        }
        say(format!(
            "round {}: ours {:.2} ms, plain {:.2} ms, tantivy {:.2} ms",
            round + 1,
            our_p50.last(),
            plain_p50.last(),
            peer_p50.last()
        ));
    }
    let answers = (ROUNDS * QUERIES * TOP) as f64;
    let ratio = our_p50.median() / plain_p50.median();
    let mut claims = vec![
        json!({
            "claim": format!("top {TOP} similar of {RECORDS} records, p50"),
            "ours": our_p50.median(), "unit": "ms",
            "held_against": "exhaustive BM25 in memory, same tokens",
            "theirs": plain_p50.median(), "ratio": ratio, "goal": "≤ 1.5",
            "spread": format!("ours {}, theirs {}", our_p50.spread(), plain_p50.spread()),
            "verdict": verdict(ratio <= 1.5),
        }),
        json!({
            "claim": "the same records as an exhaustive BM25 finds",
            "ours": same as f64 / answers, "goal": "≥ 0.999",
            "verdict": verdict(same as f64 / answers >= 0.999),
        }),
    ];
    claims.push(match &peer {
        Err(why) => json!({
            "claim": format!("top {TOP} similar of {RECORDS} records, p50, held against tantivy"),
            "goal": "≤ 0.333", "verdict": format!("not run ({why})"),
        }),
        Ok(_) => {
            let ratio = our_p50.median() / peer_p50.median();
            json!({
                "claim": format!("top {TOP} similar of {RECORDS} records, p50"),
                "ours": our_p50.median(), "unit": "ms",
                "held_against": format!(
                    "tantivy 0.27.0 in memory; {:.1} % of its answers are ours",
                    100.0 * peer_same as f64 / answers
                ),
                "theirs": peer_p50.median(), "ratio": ratio, "goal": "≤ 0.333",
                "spread": format!("ours {}, theirs {}", our_p50.spread(), peer_p50.spread()),
                "verdict": verdict(ratio <= 1.0 / 3.0),
            })
        }
    });
    claims.push(json!({
        "claim": format!("top {TOP} similar of {RECORDS} records, p99"),
        "ours": our_p99.median(), "unit": "ms", "goal": "≤ 5 ms", "spread": our_p99.spread(),
        "verdict": verdict(our_p99.median() <= 5.0),
    }));
    claims.push(json!({
        "claim": format!("opening {RECORDS} records, first answer included"),
        "ours": opening.median(), "unit": "ms", "goal": "≤ 300 ms", "spread": opening.spread(),
        "verdict": verdict(opening.median() <= 300.0),
    }));
    claims.push(json!({
        "claim": "one durable record, p50 of 200",
        "ours": appending, "unit": "ms", "goal": "to be known", "verdict": "holds",
    }));
    Ok(claims)
}

/// Writes all records; the last ones by the public way, one by one. Returns the median time of those, in ms.
async fn write(folder: &Path, corpus: &[String]) -> Result<f64, Failure> {
    const ONE_BY_ONE: usize = 200;
    let execution = |number: usize, text: &str| -> Result<Execution, Failure> {
        let run = RunId::new(format!("run-{}", number / 50))?;
        let task = TaskId::new(format!("task-{number}"))?;
        Ok(Execution::new(run, task, Outcome::tested(!number.is_multiple_of(3))).prompt(text))
    };
    let feedback = FeedbackLoop::open(folder)?;
    let many = corpus.len() - ONE_BY_ONE;
    for start in (0..many).step_by(1_000) {
        let chunk = start..(start + 1_000).min(many);
        let executions: Result<Vec<Execution>, Failure> = chunk
            .map(|number| execution(number, &corpus[number]))
            .collect();
        feedback.record_executions(executions?).await?;
    }
    let mut times = Vec::new();
    for (number, text) in corpus.iter().enumerate().skip(many) {
        let began = Instant::now();
        feedback.record_execution(execution(number, text)?).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut times, 50))
}

/// BM25 as one writes it down: every posting of every word, then the best.
struct Plain {
    postings: HashMap<String, Vec<(u32, f32)>>,
    norms: Vec<f32>,
}

impl Plain {
    fn new(corpus: &[String]) -> Self {
        let mut postings: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (document, text) in corpus.iter().enumerate() {
            let mut counts: HashMap<&str, f32> = HashMap::new();
            for word in text.split(' ') {
                *counts.entry(word).or_default() += 1.0;
            }
            lengths.push(text.split(' ').count() as f32);
            for (word, count) in counts {
                let list = postings.entry(word.to_owned()).or_default();
                list.push((document as u32, count));
            }
        }
        let mean = lengths.iter().sum::<f32>() / lengths.len() as f32;
        let norms = lengths
            .iter()
            .map(|length| 1.2 * (0.25 + 0.75 * length / mean))
            .collect();
        Self { postings, norms }
    }

    fn search(&self, query: &str) -> Vec<usize> {
        let mut scores = vec![0.0_f32; self.norms.len()];
        let n = self.norms.len() as f32;
        for word in query.split(' ') {
            let Some(list) = self.postings.get(word) else {
                continue;
            };
            let having = list.len() as f32;
            let rarity = (1.0 + (n - having + 0.5) / (having + 0.5)).ln();
            for &(document, count) in list {
                let norm = self.norms[document as usize];
                scores[document as usize] += rarity * count * 2.2 / (count + norm);
            }
        }
        let mut best: Vec<(f32, usize)> = Vec::with_capacity(TOP + 1);
        for (document, &score) in scores.iter().enumerate() {
            if score > 0.0 && (best.len() < TOP || score > best[TOP - 1].0) {
                let at = best.partition_point(|other| other.0 >= score);
                best.insert(at, (score, document));
                best.truncate(TOP);
            }
        }
        best.into_iter().map(|(_, document)| document).collect()
    }
}

/// tantivy, as a program of the workspace crates/bench-peers.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    #[expect(
        clippy::disallowed_methods,
        reason = "a measuring program stands outside; what it measures must not start its children"
    )]
    fn start(folder: &Path, corpus: &[String], queries: &[String]) -> Result<Self, String> {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench-peers");
        say("building tantivy");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--package", "search"])
            .current_dir(&peers)
            .stdout(Stdio::null())
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return Err("crates/bench-peers does not build".to_owned());
        }
        let file = |name: &str, lines: &[String]| -> Result<PathBuf, String> {
            let path = folder.join(name);
            let mut file = fs::File::create(&path).map_err(|error| error.to_string())?;
            let text = lines.join("\n");
            file.write_all(text.as_bytes())
                .map_err(|error| error.to_string())?;
            Ok(path)
        };
        let mut child = Command::new(peers.join("target/release/search"))
            .arg(file("corpus", corpus)?)
            .arg(file("queries", queries)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    /// Milliseconds and found records, query by query.
    fn answer(&mut self) -> Result<(Vec<f64>, Vec<Vec<usize>>), Failure> {
        writeln!(self.input, "go")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let (times, found) = line.trim().split_once(';').ok_or("no answer")?;
        let times: Result<Vec<f64>, _> = times.split(' ').map(str::parse).collect();
        let numbers = |list: &str| list.split(' ').filter_map(|it| it.parse().ok()).collect();
        let times = times?.into_iter().map(|nanos| nanos / 1e6).collect();
        Ok((times, found.split('/').map(numbers).collect()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Texts whose words are as frequent as Zipf's law says.
struct Words {
    state: u64,
    /// Sums of frequencies, by rank.
    sums: Vec<f64>,
}

impl Words {
    fn new(seed: u64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=VOCABULARY).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self {
            state: seed,
            sums: sums.collect(),
        }
    }

    fn text(&mut self, n_words: usize) -> String {
        let total = self.sums[VOCABULARY - 1];
        let word = |_| {
            // SplitMix64.
            self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
            let rank = self.sums.partition_point(|sum| *sum <= unit * total);
            format!("w{rank}")
        };
        (0..n_words).map(word).collect::<Vec<_>>().join(" ")
    }
}

fn percentile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let at = figures.len() * percent / 100;
    figures.get(at).copied().unwrap_or(f64::NAN)
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "falls short" }
}

/// What there is to tell meanwhile.
fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr().lock(), "{}", text.as_ref()));
}
