//! The parser: tokens to nodes, with Go's grammar, order of checks and error texts.

use bytes::Bytes;

use super::lex::{Item, Lexer, Token};
use super::node::{Branch, File, NONE, Node, Run, Span, Tables, Tree, UNDEFINED};
use super::number::number;
use crate::error::{Error, ErrorKind, Place};
use crate::functions::Functions;
use crate::stack;
use crate::strconv::{decode_rune, quote, unquote};

/// Go's limit of nested parentheses.
const MAX_PARENS: usize = 10_000;

type Result<T> = std::result::Result<T, Error>;

/// What ends a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    End,
    Else,
}

impl Stop {
    fn text(self) -> &'static str {
        match self {
            Stop::End => "{{end}}",
            Stop::Else => "{{else}}",
        }
    }
}

/// A node, or what ends the list it could have been in.
enum Part {
    Node(u32),
    Stop(Stop),
}

/// What Go keeps for each tree it is parsing.
struct TreeState {
    /// Three tokens of look-ahead, the newest first.
    tokens: [Item; 3],
    peeked: usize,
    /// The names Go takes for declared, by number.
    vars: Vec<u32>,
    /// The variables there will be when it runs, in the order of their slots.
    scope: Vec<u32>,
    /// The action at hand, by its delimiter.
    action: Option<Item>,
    range_depth: usize,
    paren_depth: usize,
    dynamic: bool,
}

impl TreeState {
    fn new() -> Self {
        TreeState {
            tokens: [Item::NONE; 3],
            peeked: 0,
            vars: vec![0],
            scope: vec![0],
            action: None,
            range_depth: 0,
            paren_depth: 0,
            dynamic: false,
        }
    }
}

struct Parser<'t, 'p> {
    text: &'t [u8],
    file_name: &'t [u8],
    functions: &'t Functions,
    lexer: Lexer<'t>,
    tables: &'p mut Tables,
    tree: TreeState,
    /// Variable names by number; `$` is 0.
    names: Vec<Span>,
    /// The nodes of the lists that are not complete yet, those of the innermost list last.
    pending: Vec<u32>,
    floor: usize,
    /// The trees of this text that are left standing, as numbers in the tables.
    done: Vec<u32>,
}

/// Parses a text; gives the tables, and in them the numbers of the text's templates, that of the file itself last.
pub(crate) fn parse(functions: &Functions, name: &[u8], shared: Bytes) -> Result<(Tables, Vec<u32>)> {
    let text: &[u8] = &shared;
    // Positions are 32 bits wide; unquoted strings can double the data.
    if name.len().saturating_add(text.len()).saturating_mul(2) > u32::MAX as usize {
        let place = Place::Parsing { file: String::from_utf8_lossy(name).into_owned(), line: 1 };
        return Err(Error::at(ErrorKind::Parse, place, "template is too large".to_owned(), None));
    }
    let mut tables = Tables { text: shared.clone(), ..Tables::default() };
    tables.data.reserve(name.len() + 64);
    // Room for what most texts need (for an action five nodes, four entries of lists and two names), so that the tables are
    // not copied again and again: fresh memory costs more than what is written to it.
    let actions = memchr::memmem::find_iter(text, b"{{").count() + 1;
    tables.nodes.reserve(actions * 7);
    tables.positions.reserve(actions * 7);
    tables.lists.reserve(actions * 6);
    tables.idents.reserve(actions * 3);
    let name_span = tables.add_data(name);
    let text_span = Span { start: 0, end: text.len() as u32 };
    tables.file = File { name: name_span, text: text_span };
    let mut lexer = Lexer::new(text);
    lexer.break_ok = functions.find(b"break").is_none();
    lexer.continue_ok = functions.find(b"continue").is_none();
    let dollar = tables.add_data(b"$");
    let mut parser = Parser {
        text,
        file_name: name,
        functions,
        lexer,
        tables: &mut tables,
        tree: TreeState::new(),
        names: vec![dollar],
        pending: Vec::new(),
        floor: stack::floor(),
        done: Vec::new(),
    };
    parser.file(name_span)?;
    let done = parser.done;
    Ok((tables, done))
}

impl<'t> Parser<'t, '_> {
    // Tokens.

    fn next(&mut self) -> Item {
        if self.tree.peeked > 0 {
            self.tree.peeked -= 1;
        } else {
            self.tree.tokens[0] = self.lexer.next_item();
        }
        self.tree.tokens.get(self.tree.peeked).copied().unwrap_or(Item::NONE)
    }

    fn backup(&mut self) {
        self.tree.peeked += 1;
    }

    fn peek(&mut self) -> Item {
        if self.tree.peeked == 0 {
            self.tree.peeked = 1;
            self.tree.tokens[0] = self.lexer.next_item();
        }
        self.tree.tokens.get(self.tree.peeked - 1).copied().unwrap_or(Item::NONE)
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item {
        let item = self.next_non_space();
        self.backup();
        item
    }

    fn value(&self, item: Item) -> &'t [u8] {
        self.text.get(item.start() as usize..item.end() as usize).unwrap_or_default()
    }

    fn line(&self, item: Item) -> usize {
        item.line(self.text)
    }

    // Errors.

    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        let file = String::from_utf8_lossy(self.file_name).into_owned();
        let place = Place::Parsing { file, line: self.line(self.tree.tokens[0]) };
        Err(Error::at(ErrorKind::Parse, place, message.into(), None))
    }

    fn describe(&self, item: Item) -> String {
        let value = self.value(item);
        match item.token {
            Token::Eof => "EOF".to_owned(),
            Token::Error => self.lexer.error.clone(),
            token if token.is_keyword() => format!("<{}>", String::from_utf8_lossy(value)),
            _ if value.len() > 10 => {
                let mut end = 0;
                for _ in 0..10 {
                    end += decode_rune(value.get(end..).unwrap_or_default()).1;
                }
                format!("{}...", quote(value.get(..end).unwrap_or(value)))
            }
            _ => quote(value),
        }
    }

    fn unexpected<T>(&self, item: Item, context: &str) -> Result<T> {
        let what = self.describe(item);
        if item.token != Token::Error {
            return self.fail(format!("unexpected {what} in {context}"));
        }
        let started = self.tree.action.map_or(0, |item| self.line(item));
        if started == 0 || started == self.line(item) {
            return self.fail(what);
        }
        let within = if what.ends_with(" action") { "" } else { " in action" };
        let file = String::from_utf8_lossy(self.file_name);
        self.fail(format!("{what}{within} started at {file}:{started}"))
    }

    fn expect(&mut self, token: Token, context: &str) -> Result<Item> {
        let item = self.next_non_space();
        if item.token != token { self.unexpected(item, context) } else { Ok(item) }
    }

    // Templates.

    fn file(&mut self, name: Span) -> Result<()> {
        let start = self.peek().start();
        let first = self.pending.len();
        while self.peek().token != Token::Eof {
            if self.peek().token == Token::LeftDelim {
                let delim = self.next();
                if self.next_non_space().token == Token::Define {
                    self.in_new_tree(|p| p.definition())?;
                    continue;
                }
                self.tree.tokens[1] = delim;
                self.tree.peeked = 2;
            }
            match self.text_or_action()? {
                Part::Node(node) => self.pending.push(node),
                Part::Stop(stop) => return self.fail(format!("unexpected {}", stop.text())),
            }
        }
        let root = self.list_node(start, first);
        self.add_tree(name, root)
    }

    /// Parses a tree within the file: it has look-ahead and variables of its own.
    fn in_new_tree<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.tree, TreeState::new());
        let made = body(self)?;
        self.tree = outer;
        Ok(made)
    }

    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        if !matches!(item.token, Token::String | Token::RawString) {
            return self.unexpected(item, CONTEXT);
        }
        let name = self.unquoted(item)?;
        self.expect(Token::RightDelim, CONTEXT)?;
        let (root, stop) = self.item_list()?;
        if stop != Stop::End {
            return self.fail(format!("unexpected {} in {CONTEXT}", stop.text()));
        }
        self.add_tree(name, root)
    }

    /// Adds a tree to those of the text; of two with the same name one must be empty.
    fn add_tree(&mut self, name: Span, root: u32) -> Result<()> {
        let empty = self.is_empty(root);
        let tree = Tree { name, root, empty, dynamic: self.tree.dynamic };
        let number = self.tables.trees.len() as u32;
        let pool = self.tables.pool();
        let text = pool.bytes(name);
        let same = |t: &u32| pool.trees.get(*t as usize).is_some_and(|t| pool.bytes(t.name) == text);
        match self.done.iter().position(same) {
            None => self.done.push(number),
            Some(at) => {
                let old_empty = self.done.get(at).and_then(|t| pool.trees.get(*t as usize)).is_some_and(|t| t.empty);
                if old_empty {
                    self.done.remove(at);
                    self.done.push(number);
                } else if !empty {
                    let name = quote(text);
                    return self.fail(format!("template: multiple definition of template {name}"));
                }
            }
        }
        self.tables.trees.push(tree);
        Ok(())
    }

    fn is_empty(&self, root: u32) -> bool {
        let pool = self.tables.pool();
        let Node::List(run) = pool.node(root) else { return false };
        pool.list(run).iter().all(|n| match pool.node(*n) {
            Node::Text(span) => is_blank(pool.bytes(span)),
            _ => false,
        })
    }

    /// Makes a list of the pending nodes from one on.
    fn take_pending(&mut self, first: usize) -> Run {
        let run = self.tables.add_list(self.pending.get(first..).unwrap_or_default());
        self.pending.truncate(first);
        run
    }

    fn list_node(&mut self, position: u32, first: usize) -> u32 {
        let run = self.take_pending(first);
        self.tables.add(position, Node::List(run))
    }

    fn item_list(&mut self) -> Result<(u32, Stop)> {
        let start = self.peek_non_space().start();
        let first = self.pending.len();
        while self.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                Part::Node(node) => self.pending.push(node),
                Part::Stop(stop) => return Ok((self.list_node(start, first), stop)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Part> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => {
                let span = Span { start: item.start(), end: item.end() };
                Ok(Part::Node(self.tables.add(item.start(), Node::Text(span))))
            }
            Token::LeftDelim => {
                self.tree.action = Some(item);
                let part = self.action()?;
                self.tree.action = None;
                Ok(part)
            }
            _ => self.unexpected(item, "input"),
        }
    }

    fn action(&mut self) -> Result<Part> {
        if stack::exhausted(self.floor) {
            return self.fail("template is nested too deeply");
        }
        let item = self.next_non_space();
        let node = match item.token {
            Token::Block => self.block()?,
            Token::Break => self.loop_control(item, Node::Break, "{{break}}")?,
            Token::Continue => self.loop_control(item, Node::Continue, "{{continue}}")?,
            Token::Else => return self.else_control(),
            Token::End => {
                self.expect(Token::RightDelim, "end")?;
                return Ok(Part::Stop(Stop::End));
            }
            Token::If => self.control("if", Token::If, Node::If)?,
            Token::Range => self.control("range", Token::Range, Node::Range)?,
            Token::With => self.control("with", Token::With, Node::With)?,
            Token::Template => self.template_control()?,
            _ => {
                self.backup();
                let start = self.peek().start();
                let pipe = self.pipeline("command", Token::RightDelim)?;
                self.tables.add(start, Node::Action(pipe))
            }
        };
        Ok(Part::Node(node))
    }

    fn loop_control(&mut self, item: Item, node: Node, name: &str) -> Result<u32> {
        let end = self.next_non_space();
        if end.token != Token::RightDelim {
            return self.unexpected(end, name);
        }
        if self.tree.range_depth == 0 {
            return self.fail(format!("{name} outside {{{{range}}}}"));
        }
        Ok(self.tables.add(item.start(), node))
    }

    fn else_control(&mut self) -> Result<Part> {
        // `else if` and `else with` leave their second word to the control structure.
        if !matches!(self.peek_non_space().token, Token::If | Token::With) {
            self.expect(Token::RightDelim, "else")?;
        }
        Ok(Part::Stop(Stop::Else))
    }

    /// `if`, `with` and `range`, behind the word.
    fn control(&mut self, context: &str, word: Token, make: fn(Branch) -> Node) -> Result<u32> {
        if stack::exhausted(self.floor) {
            return self.fail("template is nested too deeply");
        }
        let (vars, scope) = (self.tree.vars.len(), self.tree.scope.len());
        let in_range = usize::from(word == Token::Range);
        let pipe = self.pipeline(context, Token::RightDelim)?;
        self.tree.range_depth += in_range;
        // What the body declares is gone in the `else` when it runs, but not for Go's parser.
        let body_scope = self.tree.scope.len();
        let (list, stop) = self.item_list()?;
        self.tree.scope.truncate(body_scope);
        self.tree.range_depth -= in_range;
        let mut otherwise = NONE;
        if stop == Stop::Else {
            if word != Token::Range && self.peek().token == word {
                // `else if` is an `if` in an `else`, whose `end` serves both.
                let start = self.next().start();
                let first = self.pending.len();
                let inner = self.control(context, word, make)?;
                self.pending.push(inner);
                otherwise = self.list_node(start, first);
            } else {
                let (list, stop) = self.item_list()?;
                if stop != Stop::End {
                    return self.fail(format!("expected end; found {}", stop.text()));
                }
                otherwise = list;
            }
        }
        self.tree.vars.truncate(vars);
        self.tree.scope.truncate(scope);
        let position = self.tables.positions.get(pipe as usize).copied().unwrap_or_default();
        Ok(self.tables.add(position, make(Branch { pipe, list, otherwise })))
    }

    fn block(&mut self) -> Result<u32> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        let wrong = self.in_new_tree(|p| {
            let (root, stop) = p.item_list()?;
            if stop != Stop::End {
                return Ok(Some(stop));
            }
            p.add_tree(name, root)?;
            Ok(None)
        })?;
        // Go tells of it in the tree around, which has come no further than the clause itself.
        if let Some(stop) = wrong {
            return self.fail(format!("unexpected {} in {CONTEXT}", stop.text()));
        }
        Ok(self.tables.add(item.start(), Node::Template { name, pipe }))
    }

    fn template_control(&mut self) -> Result<u32> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(item, CONTEXT)?;
        let mut pipe = NONE;
        if self.next_non_space().token != Token::RightDelim {
            self.backup();
            pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        }
        Ok(self.tables.add(item.start(), Node::Template { name, pipe }))
    }

    fn template_name(&mut self, item: Item, context: &str) -> Result<Span> {
        match item.token {
            Token::String | Token::RawString => self.unquoted(item),
            _ => self.unexpected(item, context),
        }
    }

    /// What a string literal means; it stays where it is when nothing in it is escaped.
    fn unquoted(&mut self, item: Item) -> Result<Span> {
        let literal = self.value(item);
        if is_plain(literal) {
            return Ok(Span { start: item.start() + 1, end: item.end() - 1 });
        }
        let Some(text) = unquote(literal) else { return self.fail("invalid syntax") };
        Ok(self.tables.add_data(&text))
    }

    // Pipelines.

    fn pipeline(&mut self, context: &str, end: Token) -> Result<u32> {
        let start = self.peek_non_space().start();
        let mut decl: Vec<(Item, u32)> = Vec::new();
        let mut assign = false;
        loop {
            let variable = self.peek_non_space();
            if variable.token != Token::Variable {
                break;
            }
            self.next();
            // "$x foo" needs three tokens to see that nothing is declared.
            let after = self.peek();
            let next = self.peek_non_space();
            match next.token {
                Token::Assign | Token::Declare => {
                    assign = next.token == Token::Assign;
                    self.next_non_space();
                    decl.push((variable, self.declare(variable)));
                }
                Token::Char if self.value(next) == b"," => {
                    self.next_non_space();
                    decl.push((variable, self.declare(variable)));
                    if context == "range" && decl.len() < 2 {
                        if matches!(
                            self.peek_non_space().token,
                            Token::Variable | Token::RightDelim | Token::RightParen
                        ) {
                            continue;
                        }
                        return self.fail("range can only initialize variables");
                    }
                    return self.fail(format!("too many declarations in {context}"));
                }
                _ if after.token == Token::Space => {
                    self.tree.tokens[1] = after;
                    self.tree.tokens[2] = variable;
                    self.tree.peeked = 3;
                }
                _ => {
                    self.tree.tokens[1] = variable;
                    self.tree.peeked = 2;
                }
            }
            break;
        }
        let first = self.pending.len();
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => break,
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.pending.push(command);
                }
                _ => return self.unexpected(item, context),
            }
        }
        self.check_pipeline(self.pending.get(first..).unwrap_or_default(), context)?;
        let decl = self.declarations(&decl, assign, end == Token::RightParen);
        let cmds = self.take_pending(first);
        Ok(self.tables.add(start, Node::Pipe { cmds, decl, assign }))
    }

    /// Makes a variable known to the checks; gives the number of its name.
    fn declare(&mut self, variable: Item) -> u32 {
        let name = self.name(variable);
        self.tree.vars.push(name);
        name
    }

    /// The number of a variable name.
    fn name(&mut self, item: Item) -> u32 {
        let text = self.value(item);
        let known = self.names.iter().position(|n| self.tables.pool().bytes(*n) == text);
        let number = known.unwrap_or_else(|| {
            self.names.push(Span { start: item.start(), end: item.end() });
            self.names.len() - 1
        });
        number as u32
    }

    /// Gives slots to what a pipeline declares or assigns, behind its commands as when it runs.
    fn declarations(&mut self, decl: &[(Item, u32)], assign: bool, nested: bool) -> Run {
        self.tree.dynamic |= nested && !decl.is_empty() && !assign;
        let mut nodes = Vec::with_capacity(decl.len());
        for (item, name) in decl {
            let slot = if assign {
                self.slot(*name)
            } else {
                self.tree.scope.push(*name);
                (self.tree.scope.len() - 1) as u32
            };
            let span = Span { start: item.start(), end: item.end() };
            let idents = self.tables.add_idents(&[span]);
            nodes.push(self.tables.add(item.start(), Node::Variable { slot, name: *name, idents }));
        }
        self.tables.add_list(&nodes)
    }

    fn slot(&self, name: u32) -> u32 {
        self.tree.scope.iter().rposition(|n| *n == name).map_or(UNDEFINED, |slot| slot as u32)
    }

    fn check_pipeline(&self, cmds: &[u32], context: &str) -> Result<()> {
        if cmds.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        let pool = self.tables.pool();
        for (at, cmd) in cmds.iter().enumerate().skip(1) {
            let Node::Command(args) = pool.node(*cmd) else { continue };
            let first = pool.list(args).first().map(|n| pool.node(*n));
            if let Some(Node::Bool(_) | Node::Dot | Node::Nil | Node::Number(_) | Node::Str { .. }) = first {
                return self.fail(format!("non executable command in pipeline stage {}", at + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<u32> {
        let start = self.peek_non_space().start();
        let first = self.pending.len();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.pending.push(operand);
            }
            let item = self.next();
            match item.token {
                Token::Space => continue,
                Token::RightDelim | Token::RightParen => self.backup(),
                Token::Pipe => {}
                _ => return self.unexpected(item, "operand"),
            }
            break;
        }
        if self.pending.len() == first {
            return self.fail("empty command");
        }
        let run = self.take_pending(first);
        Ok(self.tables.add(start, Node::Command(run)))
    }

    fn operand(&mut self) -> Result<Option<u32>> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek().token != Token::Field {
            return Ok(Some(term));
        }
        let start = self.peek().start();
        let mut fields = self.tables.add_idents(&[]);
        while self.peek().token == Token::Field {
            let field = self.next();
            let span = Span { start: field.start() + 1, end: field.end() };
            self.tables.idents.push(span);
            fields.len += 1;
        }
        // The names of a field or a variable are the last there were, so that these follow them.
        let all = |idents: Run| Run { first: idents.first, len: idents.len + fields.len };
        let node = match self.tables.pool().node(term) {
            Node::Field(idents) => Node::Field(all(idents)),
            Node::Variable { slot, name, idents } => Node::Variable { slot, name, idents: all(idents) },
            Node::Bool(_) | Node::Str { .. } | Node::Number(_) | Node::Nil | Node::Dot => {
                let text = quote(self.tables.pool().text(term));
                return self.fail(format!("unexpected . after term {text}"));
            }
            _ => Node::Chain { term, fields },
        };
        Ok(Some(self.tables.add(start, node)))
    }

    fn term(&mut self) -> Result<Option<u32>> {
        let item = self.next_non_space();
        let node = match item.token {
            Token::Identifier => {
                let name = self.value(item);
                let Some(function) = self.functions.find(name) else {
                    return self.fail(format!("function {} not defined", quote(name)));
                };
                Node::Function { function, name: Span { start: item.start(), end: item.end() } }
            }
            Token::Dot => Node::Dot,
            Token::Nil => Node::Nil,
            Token::Variable => {
                let name = self.name(item);
                if !self.tree.vars.contains(&name) {
                    return self.fail(format!("undefined variable {}", quote(self.value(item))));
                }
                let span = Span { start: item.start(), end: item.end() };
                Node::Variable { slot: self.slot(name), name, idents: self.tables.add_idents(&[span]) }
            }
            Token::Field => {
                let span = Span { start: item.start() + 1, end: item.end() };
                Node::Field(self.tables.add_idents(&[span]))
            }
            Token::Bool => Node::Bool(self.value(item) == b"true"),
            Token::CharConstant | Token::Complex | Token::Number => {
                match number(self.value(item), Span { start: item.start(), end: item.end() }, item.token) {
                    Ok(number) => {
                        self.tables.numbers.push(number);
                        Node::Number((self.tables.numbers.len() - 1) as u32)
                    }
                    Err(message) => return self.fail(message),
                }
            }
            Token::LeftParen => {
                if self.tree.paren_depth >= MAX_PARENS || stack::exhausted(self.floor) {
                    return self.fail("max expression depth exceeded");
                }
                self.tree.paren_depth += 1;
                let pipe = self.pipeline("parenthesized pipeline", Token::RightParen)?;
                self.tree.paren_depth -= 1;
                return Ok(Some(pipe));
            }
            Token::String | Token::RawString => {
                let text = self.unquoted(item)?;
                Node::Str { text, literal: Span { start: item.start(), end: item.end() } }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(self.tables.add(item.start(), node)))
    }
}

/// Whether a string literal means just what stands between its quotes.
fn is_plain(literal: &[u8]) -> bool {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    match literal.first() {
        Some(b'`') => memchr::memchr(b'\r', inner).is_none(),
        Some(b'"') => memchr::memchr(b'\\', inner).is_none() && std::str::from_utf8(inner).is_ok(),
        _ => false,
    }
}

/// Whether Go's `bytes.TrimSpace` leaves nothing.
fn is_blank(text: &[u8]) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let (rune, width) = decode_rune(rest);
        let space = matches!(
            rune,
            0x09..=0x0D | 0x20 | 0x85 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000
        );
        if !space {
            return false;
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    true
}
