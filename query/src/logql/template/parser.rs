//! From pieces to the tree of a template.

use super::functions::is_function;
use super::lexer::{Fault, Piece, Token, pieces};
use super::value::Value;

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Prints, unless it sets a variable.
    Print(Pipeline),
    If(Pipeline, Vec<Node>, Vec<Node>),
    With(Pipeline, Vec<Node>, Vec<Node>),
    Range(Pipeline, Vec<Node>, Vec<Node>),
    Break,
    Continue,
}

/// Commands, each given the value of the one before as its last argument; and the variables that get the value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Pipeline {
    pub(super) sets: Vec<usize>,
    pub(super) commands: Vec<Vec<Operand>>,
}

/// An argument, or the function at the start of a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Function(String),
    Literal(Value),
    /// Fields of the dot; none for the dot itself.
    Field(Vec<String>),
    /// A variable by number, and its fields. The first is `$`.
    Variable(usize, Vec<String>),
    /// A pipeline in parentheses, and fields of its value.
    Pipeline(Pipeline, Vec<String>),
}

/// Deepest nesting.
const DEPTH_MAX: usize = 64;

struct Parser {
    pieces: std::iter::Peekable<std::vec::IntoIter<Piece>>,
    /// Names in scope; their place is their number.
    variables: Vec<String>,
    most: usize,
    line: usize,
    depth: usize,
    in_range: usize,
}

/// What ended a list of nodes.
#[derive(Debug, PartialEq)]
enum End {
    Text,
    Action,
    Else(Vec<Token>),
}

type Parsed<T> = Result<T, String>;

/// The nodes of a template and how many variables it has.
pub(super) fn parse(text: &str) -> Result<(Vec<Node>, usize), Fault> {
    let mut parser = Parser {
        pieces: pieces(text)?.into_iter().peekable(),
        variables: vec![String::new()],
        most: 1,
        line: 1,
        depth: 0,
        in_range: 0,
    };
    let parsed = parser.list();
    let line = parser.line;
    match parsed {
        Ok((nodes, End::Text)) => Ok((nodes, parser.most)),
        Ok((_, End::Action)) => Err(Fault {
            line,
            message: "unexpected {{end}}".to_owned(),
        }),
        Ok((_, End::Else(_))) => Err(Fault {
            line,
            message: "unexpected {{else}}".to_owned(),
        }),
        Err(message) => Err(Fault { line, message }),
    }
}

impl Parser {
    fn list(&mut self) -> Parsed<(Vec<Node>, End)> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("template is nested too deep".to_owned());
        }
        let mut nodes = Vec::new();
        let end = loop {
            match self.pieces.next() {
                None => break End::Text,
                Some(Piece::Text(text)) => nodes.push(Node::Text(text)),
                Some(Piece::Action(tokens, line)) => {
                    self.line = line;
                    if let Some(end) = self.action(tokens, &mut nodes)? {
                        break end;
                    }
                }
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn action(&mut self, mut tokens: Vec<Token>, nodes: &mut Vec<Node>) -> Parsed<Option<End>> {
        let keyword = match tokens.first() {
            Some(Token::Word(word)) => word.clone(),
            _ => String::new(),
        };
        match keyword.as_str() {
            "end" => return Ok(Some(End::Action)),
            "else" => {
                tokens.remove(0);
                return Ok(Some(End::Else(tokens)));
            }
            "if" | "with" | "range" => {
                tokens.remove(0);
                nodes.push(self.control(&keyword, tokens)?);
            }
            "break" | "continue" if self.in_range == 0 => {
                return Err(format!("{{{{{keyword}}}}} outside {{{{range}}}}"));
            }
            "break" => nodes.push(Node::Break),
            "continue" => nodes.push(Node::Continue),
            "define" | "template" | "block" => {
                return Err(format!(
                    "{{{{{keyword}}}}} is not supported in templates of lines"
                ));
            }
            _ => {
                let mut tokens = Tokens::new(tokens);
                let pipeline = self.pipeline(&mut tokens)?;
                tokens.end()?;
                nodes.push(Node::Print(pipeline));
            }
        }
        Ok(None)
    }

    fn control(&mut self, keyword: &str, tokens: Vec<Token>) -> Parsed<Node> {
        let scope = self.variables.len();
        let mut tokens = Tokens::new(tokens);
        let pipeline = self.pipeline(&mut tokens)?;
        tokens.end()?;
        self.in_range += usize::from(keyword == "range");
        let (body, end) = self.list()?;
        self.in_range -= usize::from(keyword == "range");
        let other = match end {
            End::Text => return Err("unexpected EOF".to_owned()),
            End::Action => Vec::new(),
            End::Else(rest) if rest.is_empty() => match self.list()? {
                (nodes, End::Action) => nodes,
                (_, End::Text) => return Err("unexpected EOF".to_owned()),
                (_, End::Else(_)) => return Err("expected end; found {{else}}".to_owned()),
            },
            End::Else(mut rest) => match rest.first() {
                Some(Token::Word(word)) if word == "if" || word == "with" => {
                    let word = word.clone();
                    rest.remove(0);
                    vec![self.control(&word, rest)?]
                }
                _ => return Err("unexpected token in {{else}}".to_owned()),
            },
        };
        self.variables.truncate(scope);
        Ok(match keyword {
            "if" => Node::If(pipeline, body, other),
            "with" => Node::With(pipeline, body, other),
            _ => Node::Range(pipeline, body, other),
        })
    }

    fn declare(&mut self, name: &str) -> usize {
        self.variables.push(name.to_owned());
        self.most = self.most.max(self.variables.len());
        self.variables.len() - 1
    }

    fn variable(&self, name: &str) -> Parsed<usize> {
        let found = self.variables.iter().rposition(|of| of == name);
        found.ok_or_else(|| format!("undefined variable \"${name}\""))
    }

    fn pipeline(&mut self, tokens: &mut Tokens) -> Parsed<Pipeline> {
        let mut pipeline = Pipeline::default();
        let declared = self.targets(tokens, &mut pipeline)?;
        loop {
            let command = self.command(tokens)?;
            if command.is_empty() {
                return Err("missing value for command".to_owned());
            }
            if let (Operand::Literal(value), false) = (&command[0], pipeline.commands.is_empty()) {
                return Err(format!(
                    "non executable command in pipeline stage {}: {value:?}",
                    pipeline.commands.len() + 1
                ));
            }
            pipeline.commands.push(command);
            if !tokens.accept(&Token::Pipe) {
                break;
            }
        }
        // What is declared is in scope behind its own pipeline only.
        for name in declared {
            let number = self.declare(&name);
            pipeline.sets.push(number);
        }
        Ok(pipeline)
    }

    /// Variables before `:=` or `=`; the names of those that are new.
    fn targets(&mut self, tokens: &mut Tokens, pipeline: &mut Pipeline) -> Parsed<Vec<String>> {
        let names: Vec<String> = match (tokens.at(0), tokens.at(1), tokens.at(2), tokens.at(3)) {
            (Some(Token::Variable(a)), Some(Token::Declare | Token::Assign), ..) => vec![a.clone()],
            (
                Some(Token::Variable(a)),
                Some(Token::Comma),
                Some(Token::Variable(b)),
                Some(Token::Declare),
            ) => {
                vec![a.clone(), b.clone()]
            }
            _ => return Ok(Vec::new()),
        };
        tokens.skip(names.len() * 2 - 1);
        let declares = tokens.accept(&Token::Declare);
        if declares {
            return Ok(names);
        }
        tokens.accept(&Token::Assign);
        for name in &names {
            pipeline.sets.push(self.variable(name)?);
        }
        Ok(Vec::new())
    }

    fn command(&mut self, tokens: &mut Tokens) -> Parsed<Vec<Operand>> {
        let mut operands = Vec::new();
        while let Some(token) = tokens.at(0).cloned() {
            let operand = match token {
                Token::Pipe | Token::Close(_) => break,
                Token::Open => {
                    tokens.skip(1);
                    self.depth += 1;
                    if self.depth > DEPTH_MAX {
                        return Err("template is nested too deep".to_owned());
                    }
                    let inner = self.pipeline(tokens)?;
                    self.depth -= 1;
                    match tokens.at(0).cloned() {
                        Some(Token::Close(fields)) => Operand::Pipeline(inner, fields),
                        _ => return Err("unclosed left paren".to_owned()),
                    }
                }
                Token::Word(word) => word_operand(word)?,
                Token::Field(name) => Operand::Field(parts(&name)),
                Token::Variable(name) => {
                    let (of, fields) = name.split_once('.').unwrap_or((&name, ""));
                    let (of, fields) = (of.to_owned(), parts(fields));
                    Operand::Variable(self.variable(&of)?, fields)
                }
                Token::Text(text) => Operand::Literal(Value::Text(text)),
                Token::Int(n) => Operand::Literal(Value::Int(n)),
                Token::Float(n) => Operand::Literal(Value::Float(n)),
                Token::Declare | Token::Assign | Token::Comma => {
                    return Err("unexpected token in operand".to_owned());
                }
            };
            tokens.skip(1);
            operands.push(operand);
        }
        Ok(operands)
    }
}

fn parts(name: &str) -> Vec<String> {
    name.split('.')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn word_operand(word: String) -> Parsed<Operand> {
    Ok(match word.as_str() {
        "true" => Operand::Literal(Value::Bool(true)),
        "false" => Operand::Literal(Value::Bool(false)),
        "nil" => Operand::Literal(Value::Nil),
        _ if is_function(&word) => Operand::Function(word),
        _ => return Err(format!("function {word:?} not defined")),
    })
}

struct Tokens {
    list: Vec<Token>,
    at: usize,
}

impl Tokens {
    fn new(list: Vec<Token>) -> Tokens {
        Tokens { list, at: 0 }
    }

    fn at(&self, ahead: usize) -> Option<&Token> {
        self.list.get(self.at + ahead)
    }

    fn skip(&mut self, count: usize) {
        self.at += count;
    }

    fn accept(&mut self, token: &Token) -> bool {
        let found = self.at(0) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn end(&self) -> Parsed<()> {
        match self.at(0) {
            None => Ok(()),
            Some(Token::Close(_)) => Err("unexpected right paren".to_owned()),
            Some(_) => Err("unexpected token in operand".to_owned()),
        }
    }
}

/// Names of the labels that nodes take; none when they may take any.
pub(super) fn labels(nodes: &[Node]) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for node in nodes {
        match node {
            Node::Text(_) | Node::Break | Node::Continue => {}
            Node::Print(pipeline) => pipeline_labels(pipeline, &mut names)?,
            // Within `with` and `range` the dot is something else, which only makes the list longer.
            Node::If(pipeline, body, other)
            | Node::With(pipeline, body, other)
            | Node::Range(pipeline, body, other) => {
                pipeline_labels(pipeline, &mut names)?;
                names.extend(labels(body)?);
                names.extend(labels(other)?);
            }
        }
    }
    Some(names)
}

fn pipeline_labels<'n>(pipeline: &'n Pipeline, names: &mut Vec<&'n str>) -> Option<()> {
    for operand in pipeline.commands.iter().flatten() {
        match operand {
            Operand::Field(fields) => names.push(fields.first()?),
            Operand::Variable(0, fields) => names.push(fields.first()?),
            Operand::Pipeline(inner, _) => pipeline_labels(inner, names)?,
            Operand::Function(_) | Operand::Literal(_) | Operand::Variable(..) => {}
        }
    }
    Some(())
}
