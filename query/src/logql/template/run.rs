//! Runs templates.

use super::Context;
use super::functions;
use super::parser::{Node, Operand, Pipeline};
use super::value::Value;

/// Most bytes a template may make of one line.
const OUTPUT_MAX: usize = 16 << 20;

struct Run<'r, 'c> {
    context: &'r Context<'c>,
    variables: Vec<Value>,
    dot: Value,
}

/// What a list of nodes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Outcome<T> = Result<T, String>;

pub(super) fn run(nodes: &[Node], variables: usize, context: &Context<'_>, out: &mut String) -> Outcome<()> {
    let mut variables = vec![Value::Nil; variables];
    variables[0] = Value::Labels;
    let mut run = Run {
        context,
        variables,
        dot: Value::Labels,
    };
    run.nodes(nodes, out)?;
    Ok(())
}

impl Run<'_, '_> {
    fn nodes(&mut self, nodes: &[Node], out: &mut String) -> Outcome<Flow> {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Print(pipeline) => self.print(pipeline, out)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
                Node::If(pipeline, body, other) => {
                    let holds = self.pipeline(pipeline)?.is_true();
                    let flow = self.nodes(if holds { body } else { other }, out)?;
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Node::With(pipeline, body, other) => {
                    let value = self.pipeline(pipeline)?;
                    let flow = match value.is_true() {
                        true => self.within(value, body, out)?,
                        false => self.nodes(other, out)?,
                    };
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Node::Range(pipeline, body, other) => self.range(pipeline, body, other, out)?,
            }
            if out.len() > OUTPUT_MAX {
                return Err(format!("template makes more than {OUTPUT_MAX} bytes of a line"));
            }
        }
        Ok(Flow::On)
    }

    fn within(&mut self, dot: Value, body: &[Node], out: &mut String) -> Outcome<Flow> {
        let outer = std::mem::replace(&mut self.dot, dot);
        let flow = self.nodes(body, out);
        self.dot = outer;
        flow
    }

    fn print(&mut self, pipeline: &Pipeline, out: &mut String) -> Outcome<()> {
        // A label by itself is by far the most common.
        if let ([command], true, Value::Labels) =
            (pipeline.commands.as_slice(), pipeline.sets.is_empty(), &self.dot)
            && let [Operand::Field(fields)] = command.as_slice()
            && let [name] = fields.as_slice()
        {
            out.push_str((self.context.label)(name).unwrap_or(""));
            return Ok(());
        }
        let value = self.pipeline(pipeline)?;
        if pipeline.sets.is_empty() {
            self.whole(value).print(out);
        }
        Ok(())
    }

    fn range(&mut self, pipeline: &Pipeline, body: &[Node], other: &[Node], out: &mut String) -> Outcome<()> {
        let over = self.pipeline(pipeline)?;
        let over = self.whole(over);
        let items: Vec<(Value, Value)> = match over {
            Value::List(list) => list
                .into_iter()
                .enumerate()
                .map(|(n, v)| (Value::Int(n as i64), v))
                .collect(),
            Value::Map(map) => map.into_iter().map(|(k, v)| (Value::Text(k), v)).collect(),
            Value::Texts(map) => map
                .into_iter()
                .map(|(k, v)| (Value::Text(k), Value::Text(v)))
                .collect(),
            Value::Int(n) => (0..n.clamp(0, 100_000))
                .map(|n| (Value::Int(n), Value::Int(n)))
                .collect(),
            Value::Nil => Vec::new(),
            other => return Err(format!("range can't iterate over {}", other.text())),
        };
        if items.is_empty() {
            self.nodes(other, out)?;
            return Ok(());
        }
        for (key, value) in items {
            match pipeline.sets.as_slice() {
                [of_value] => self.variables[*of_value] = value.clone(),
                [of_key, of_value] => {
                    self.variables[*of_key] = key;
                    self.variables[*of_value] = value.clone();
                }
                _ => {}
            }
            if self.within(value, body, out)? == Flow::Break {
                break;
            }
            if out.len() > OUTPUT_MAX {
                return Err(format!("template makes more than {OUTPUT_MAX} bytes of a line"));
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Outcome<Value> {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, value)?);
        }
        let value = value.unwrap_or(Value::Nil);
        if let [variable] = pipeline.sets.as_slice() {
            self.variables[*variable] = value.clone();
        }
        Ok(value)
    }

    fn command(&mut self, command: &[Operand], last: Option<Value>) -> Outcome<Value> {
        let Operand::Function(name) = &command[0] else {
            if command.len() > 1 || last.is_some() {
                return Err("can't give argument to non-function".to_owned());
            }
            return self.operand(&command[0]);
        };
        if matches!(name.as_str(), "and" | "or") {
            return self.short_circuit(name == "and", &command[1..], last);
        }
        let mut arguments = Vec::with_capacity(command.len());
        for operand in &command[1..] {
            let argument = self.operand(operand)?;
            arguments.push(self.whole(argument));
        }
        arguments.extend(last.map(|last| self.whole(last)));
        functions::call(name, arguments, self.context).map_err(|e| format!("error calling {name}: {e}"))
    }

    /// The first that decides, or the last.
    fn short_circuit(&mut self, all: bool, operands: &[Operand], last: Option<Value>) -> Outcome<Value> {
        let mut value = Value::Nil;
        for operand in operands {
            value = self.operand(operand)?;
            if value.is_true() != all {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn operand(&mut self, operand: &Operand) -> Outcome<Value> {
        match operand {
            Operand::Function(name) => functions::call(name, Vec::new(), self.context)
                .map_err(|e| format!("error calling {name}: {e}")),
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Field(fields) => self.fields(self.dot.clone(), fields),
            Operand::Variable(number, fields) => self.fields(self.variables[*number].clone(), fields),
            Operand::Pipeline(pipeline, fields) => {
                let value = self.pipeline(pipeline)?;
                self.fields(value, fields)
            }
        }
    }

    /// A value with all that is in it.
    fn whole(&self, value: Value) -> Value {
        match value {
            Value::Labels => Value::Texts((self.context.labels)()),
            other => other,
        }
    }

    fn fields(&self, mut value: Value, fields: &[String]) -> Outcome<Value> {
        for field in fields {
            value = match value {
                Value::Labels => Value::Text((self.context.label)(field).unwrap_or("").to_owned()),
                Value::Map(mut map) => map.remove(field).unwrap_or(Value::Nil),
                Value::Texts(mut map) => Value::Text(map.remove(field).unwrap_or_default()),
                Value::Nil => return Err(format!("nil pointer evaluating interface {{}}.{field}")),
                other => return Err(format!("can't evaluate field {field} in type {}", other.kind())),
            };
        }
        Ok(value)
    }
}
