//! Answers the queries of `cargo xtask bench learning` with tantivy, in memory.
//!
//! `search CORPUS QUERIES`: one document, or query, of tokens split by spaces a line. For each line on
//! standard input it answers all queries and prints one line: the time of each in nanoseconds, then
//! `;`, then the numbers of the best ten documents of each, split by `/`.

use std::{
    error::Error,
    fs,
    io::{BufRead as _, Write as _, stdin, stdout},
    time::Instant,
};

use tantivy::{
    Index, TantivyDocument, Term,
    collector::TopDocs,
    query::{BooleanQuery, Occur, Query, TermQuery},
    schema::{
        FAST, IndexRecordOption, Schema, TextFieldIndexing, TextOptions, document::Value as _,
    },
    tokenizer::{TextAnalyzer, WhitespaceTokenizer},
};

const TOP: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (corpus, queries) = arguments.next().zip(arguments.next()).ok_or("two files are needed")?;
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("spaces")
        .set_index_option(IndexRecordOption::WithFreqs);
    let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
    let number = schema.add_u64_field("number", FAST | tantivy::schema::STORED);
    let index = Index::create_in_ram(schema.build());
    index.tokenizers().register("spaces", TextAnalyzer::builder(WhitespaceTokenizer::default()).build());
    let mut writer = index.writer_with_num_threads(1, 200 << 20)?;
    for (i, line) in fs::read_to_string(corpus)?.lines().enumerate() {
        let mut document = TantivyDocument::default();
        document.add_text(text, line);
        document.add_u64(number, i as u64);
        writer.add_document(document)?;
    }
    writer.commit()?;
    let searcher = index.reader()?.searcher();
    let queries: Vec<BooleanQuery> = fs::read_to_string(queries)?
        .lines()
        .map(|line| {
            let clauses = line.split(' ').map(|word| {
                let term = Term::from_field_text(text, word);
                let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
                (Occur::Should, Box::new(query) as Box<dyn Query>)
            });
            BooleanQuery::new(clauses.collect())
        })
        .collect();
    for line in stdin().lock().lines() {
        line?;
        let (mut times, mut found) = (Vec::new(), Vec::new());
        for query in &queries {
            let began = Instant::now();
            let top = searcher.search(query, &TopDocs::with_limit(TOP).order_by_score())?;
            times.push(began.elapsed().as_nanos().to_string());
            let mut numbers = Vec::new();
            for (_, address) in top {
                let document: TantivyDocument = searcher.doc(address)?;
                let stored = document.get_first(number).and_then(|value| value.as_value().as_u64());
                numbers.push(stored.ok_or("a document without a number")?.to_string());
            }
            found.push(numbers.join(" "));
        }
        println!("{};{}", times.join(" "), found.join("/"));
        stdout().flush()?;
    }
    Ok(())
}
