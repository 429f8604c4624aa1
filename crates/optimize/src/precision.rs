//! Products that may round.

use savedmodel_graph::AttrValue;
use savedmodel_op::ROUNDS;
use savedmodel_tensor::{DType, Result};

use crate::{Program, Scope};

/// How exact the products of matrices and convolutions in single precision are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// As they are written.
    #[default]
    Full,
    /// Their factors may be rounded to bfloat16, which leaves eight bits of each, where the processor multiplies these faster
    /// (matrix units of Intel, `AVX512-BF16` of AMD); sums stay in single precision. Elsewhere nothing changes.
    Bfloat16,
}

/// Tells products that they may round, if the session was told so.
pub(crate) fn products(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if scope.precision == Precision::Full {
        return Ok(());
    }
    for id in program.graph.nodes().collect::<Vec<_>>() {
        let node = program.graph.node_mut(id);
        let is_float = matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)));
        let name = node.op.strip_prefix("_Fused").unwrap_or(&node.op);
        let multiplies = matches!(
            name,
            "MatMul"
                | "BatchMatMul"
                | "BatchMatMulV2"
                | "Conv2D"
                | "Conv3D"
                | "ExpandedDepthwiseConv2d"
                | "Attention"
        );
        if is_float && multiplies {
            node.attrs.insert(ROUNDS.to_owned(), AttrValue::Bool(true));
        }
    }
    Ok(())
}
