//! How a host gives functions to templates.

use std::any::Any;

use crate::{Arena, Error, GoType, Value};

/// The body of a function; arguments have been checked and converted to the declared parameter types.
pub type Body = for<'a> fn(&mut Call<'a, '_>, &[Value<'a>]) -> Result<Value<'a>, Error>;

/// One entry of a function table.
#[derive(Clone, Copy)]
pub struct Function {
    /// The name in templates.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// The Go types of the fixed parameters; the executor refuses others with Go's text.
    pub params: &'static [GoType],
    /// The element type of the variadic parameter, when there is one.
    pub variadic: Option<GoType>,
    /// The body.
    pub body: Body,
}

/// The parameters of a method of an [`crate::Object`].
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The Go types of the fixed parameters.
    pub params: &'static [GoType],
    /// The element type of the variadic parameter, when there is one.
    pub variadic: Option<GoType>,
}

/// What a function sees of the render it is called in.
pub struct Call<'a, 'r> {
    /// The memory of the render.
    pub arena: &'a Arena,
    /// The host's state of this render; functions get it back by downcasting.
    pub host: &'r mut dyn Any,
    /// Runs templates on behalf of `include` and `tpl`.
    pub templates: &'r mut dyn Templates<'a>,
}

/// The template set of a render, as `include` and `tpl` need it.
pub trait Templates<'a> {
    /// Executes a named template and returns its output.
    fn execute(&mut self, host: &mut dyn Any, name: &[u8], dot: Value<'a>) -> Result<Vec<u8>, Error>;
    /// Parses a text under a name, over the set as it is, and executes it; definitions in it do not outlive the call.
    fn execute_text(&mut self, host: &mut dyn Any, name: &[u8], text: &[u8], dot: Value<'a>) -> Result<Vec<u8>, Error>;
    /// Parses a text in place of the source that has its name, and executes it: what that source and the texts being
    /// executed define is not seen, and what the set defines goes before what the text does.
    fn execute_in_place(
        &mut self,
        host: &mut dyn Any,
        name: &[u8],
        text: &[u8],
        dot: Value<'a>,
    ) -> Result<Vec<u8>, Error>;
}
