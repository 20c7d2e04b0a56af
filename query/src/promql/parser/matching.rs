//! What stands between a binary operator and its right operand: `bool`, `on`, `ignoring`, `group_*`, `fill*`.

use super::super::ast::{Cardinality, VectorMatching};
use super::super::token::{Keyword, Kind};
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn binary_modifiers(&mut self) -> Parsed<(bool, VectorMatching)> {
        let return_bool = self.accept(Kind::Keyword(Keyword::Bool)).is_some();
        let mut matching = VectorMatching::default();
        let on = match self.peek().kind {
            Kind::Keyword(Keyword::On) => Some(true),
            Kind::Keyword(Keyword::Ignoring) => Some(false),
            _ => None,
        };
        if let Some(on) = on {
            self.advance();
            matching.on = on;
            matching.labels = self.grouping_labels()?;
            self.group_modifier(&mut matching)?;
        }
        while let Kind::Keyword(keyword @ (Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)) =
            self.peek().kind
        {
            // Without a parenthesis it is a metric of that name.
            if self.peek_at(1).kind != Kind::LeftParen {
                break;
            }
            self.fill_modifier(keyword, &mut matching)?;
        }
        Ok((return_bool, matching))
    }

    fn group_modifier(&mut self, matching: &mut VectorMatching) -> Parsed<()> {
        matching.card = match self.peek().kind {
            Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        self.advance();
        if self.peek().kind == Kind::LeftParen {
            matching.include = self.grouping_labels()?;
        }
        Ok(())
    }

    fn fill_modifier(&mut self, keyword: Keyword, matching: &mut VectorMatching) -> Parsed<()> {
        self.advance();
        self.expect(Kind::LeftParen, "fill modifier", "\"(\"")?;
        let value = Some(self.signed_number("fill modifier", "number")?);
        self.expect(Kind::RightParen, "fill modifier", "\")\"")?;
        if keyword != Keyword::FillRight {
            matching.fill_left = value;
        }
        if keyword != Keyword::FillLeft {
            matching.fill_right = value;
        }
        Ok(())
    }
}
