internal import ApusFormat

/// The type of something that a module imports or exports.
///
/// Specification: 2.3.16 “External Types”.
public enum ItemType: Hashable, Sendable {
    case function(FunctionType)
    case table(TableType)
    case memory(MemoryType)
    case global(GlobalType)
}

extension ItemType {
    /// `type` with the function type that its index stands for in `module`.
    init(_ type: ExternalType, in module: DecodedModule) {
        self =
            switch type {
            case .function(let index): .function(module.types[Int(index)])
            case .table(let type): .table(type)
            case .memory(let type): .memory(type)
            case .global(let type): .global(type)
            }
    }

    /// The type of what `item` names in `module`.
    init(_ item: ExternalIndex, in module: DecodedModule) {
        self =
            switch item {
            case .function(let index): .function(module.functionType(Int(index)))
            case .table(let index): .table(module.tables[Int(index)])
            case .memory(let index): .memory(module.memories[Int(index)])
            case .global(let index): .global(module.globals[Int(index)])
            }
    }
}

extension ItemType: CustomStringConvertible {
    /// The type in words, e.g. `function [i32 i32] -> [i32]`.
    public var description: String {
        switch self {
        case .function(let type): "function \(type)"
        case .table(let type): "table of \(type.element), \(Self.range(type.limits)) elements"
        case .memory(let type): "memory of \(Self.range(type.limits)) pages"
        case .global(let type): "global \(type.isMutable ? "(mut \(type.value))" : "\(type.value)")"
        }
    }

    private static func range(_ limits: Limits) -> String {
        if let maximum = limits.maximum {
            "\(limits.minimum) to \(maximum)"
        } else {
            "at least \(limits.minimum)"
        }
    }
}
