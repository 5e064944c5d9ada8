//! Lines that fit.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use crate::display::{cut, padded};

/// A text of lines, in colour. What is written to it has no control characters.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    columns: Option<usize>,
}

impl Page {
    /// An empty one; `None` is of any width.
    pub(super) fn new(columns: Option<usize>) -> Self {
        Self {
            text: String::new(),
            columns,
        }
    }

    pub(super) fn text(self) -> String {
        self.text
    }

    /// How much is left beside so much.
    pub(super) fn beside(&self, width: usize) -> Option<usize> {
        self.columns.map(|columns| columns.saturating_sub(width))
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    pub(super) fn line(&mut self, text: &str) {
        self.styled(Style::new(), text);
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.styled(Style::new().bold(), text);
    }

    pub(super) fn alarm(&mut self, text: &str) {
        self.styled(AnsiColor::Red.on_default().bold(), text);
    }

    /// Rows of a time, a reason, and more about it.
    pub(super) fn columns(&mut self, rows: Vec<[String; 3]>) {
        let widest = |column: usize| {
            rows.iter()
                .map(|row| row[column].width())
                .max()
                .unwrap_or(0)
        };
        let (times, reasons) = (widest(0), widest(1));
        // The other half is for what comes behind.
        let most = self
            .beside(times + 8)
            .map_or(WIDEST_REASON, |left| left / 2);
        let reasons = reasons.min(most);
        for [time, reason, more] in rows {
            let time = " ".repeat(times - time.width()) + &time;
            let reason = padded(&cut(&reason, reasons), reasons);
            self.line(&format!("    {time}  {reason}  {more}"));
        }
    }

    fn styled(&mut self, style: Style, text: &str) {
        let text = match self.columns {
            Some(columns) => cut(text, columns),
            None => text.to_owned(),
        };
        self.text.extend([
            &style.render().to_string(),
            text.trim_end(),
            &style.render_reset().to_string(),
            "\n",
        ]);
    }
}

/// Where a line may have any width, the most for a reason: the JSON has all of it.
const WIDEST_REASON: usize = 60;
