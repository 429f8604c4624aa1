//! Where the bits of an operator come from: its own stream, a seed, a key or a variable.

use std::sync::Arc;

use savedmodel_op::shape::ShapeFn;
use savedmodel_op::{Construction, Context, Effect, ShapeContext};
use savedmodel_tensor::{PartialShape, Result, Shape};

use crate::arguments::{
    from_tagged_variable, from_variable, keyed, seeded, shape_of, shaped_by_first, to_scalar, to_shape,
};
use crate::distribution::RESERVED;
use crate::generator::Generator;
use crate::philox::Philox;

/// The four generations of random operators: what tells their bits, and which input tells the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// `RandomUniform`: attributes `seed` and `seed2`, input `shape`.
    Node,
    /// `StatelessRandomUniform`: inputs `shape`, `seed`.
    Seed,
    /// `StatelessRandomUniformV2`: inputs `shape`, `key`, `counter`, `alg`.
    Key,
    /// `StatefulUniform`: inputs `resource`, `algorithm`, `shape`.
    Variable,
    /// A variable that holds the number of the algorithm too.
    Tagged,
}

impl Generation {
    /// The generation of an operator, which its name tells.
    pub fn of(op: &str) -> Generation {
        match op {
            "StatefulStandardNormal" => Generation::Tagged,
            _ if op.starts_with("Stateful") => Generation::Variable,
            _ if !op.starts_with("Stateless") => Generation::Node,
            _ if op.ends_with("V2") || op.ends_with("V3") => Generation::Key,
            _ => Generation::Seed,
        }
    }

    /// What running an operator of this generation does.
    pub const fn effect(self) -> Effect {
        match self {
            Generation::Node => Effect::Random,
            Generation::Seed | Generation::Key => Effect::Pure,
            Generation::Variable | Generation::Tagged => Effect::Write,
        }
    }

    /// The shape function of an operator of this generation.
    pub const fn shape(self) -> ShapeFn {
        match self {
            Generation::Variable => shaped_by_third,
            Generation::Tagged => |ctx| Ok(vec![shape_of(ctx, 1)]),
            _ => shaped_by_first,
        }
    }

    /// Which input is the first that belongs to the distribution.
    pub const fn parameters(self) -> usize {
        match self {
            Generation::Node => 1,
            Generation::Seed => 2,
            Generation::Key => 4,
            Generation::Variable => 3,
            Generation::Tagged => 2,
        }
    }
}

fn shaped_by_third(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![shape_of(ctx, 2)])
}

/// Where the bits of one node come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    generation: Generation,
    generator: Option<Arc<Generator>>,
}

impl Source {
    /// The source of a node of this generation.
    pub fn of(node: &Construction<'_>, generation: Generation) -> Result<Source> {
        let generator = match generation {
            Generation::Node => Some(Generator::of(node)?),
            _ => None,
        };
        Ok(Source { generation, generator })
    }

    /// The shape that the call asks for.
    pub fn output_shape(&self, ctx: &Context<'_>) -> Result<Shape> {
        to_shape(ctx.input(match self.generation {
            Generation::Variable => 2,
            Generation::Tagged => 1,
            _ => 0,
        }))
    }

    /// The bits for `outputs` numbers.
    pub fn stream(&self, ctx: &Context<'_>, outputs: usize) -> Result<Philox> {
        match (&self.generator, self.generation) {
            (Some(generator), _) => Ok(generator.reserve((outputs as u64).wrapping_mul(RESERVED))),
            (None, Generation::Key) => {
                keyed(ctx.input(1), ctx.input(2), to_scalar::<i32>(ctx.input(3), 3)?.into())
            }
            (None, Generation::Tagged) => from_tagged_variable(ctx.variable(0)?, outputs as u64),
            (None, Generation::Variable) => {
                let algorithm = to_scalar(ctx.input(1), 1)?;
                from_variable(ctx.variable(0)?, algorithm, outputs as u64, |_| {})
            }
            (None, _) => seeded(ctx.input(1)),
        }
    }
}
