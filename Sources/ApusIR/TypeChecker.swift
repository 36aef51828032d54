/// Whether operands and results fit their operators.
enum TypeChecker {
    /// `types` are those of the operands, in order.
    static func isSound(_ instruction: Instruction, _ types: [IRType]) -> Bool {
        let result = instruction.type
        switch instruction.operator.row.types {
        case .any: return true
        case .nothing: return result == .none
        case .long: return result == .i64 && types.allSatisfy { $0 == .i64 }
        case .integers: return result.isInteger && types.allSatisfy { $0 == result }
        case .floats: return result.isFloat && types.allSatisfy { $0 == result }
        case .comparesIntegers:
            return result == .i32 && types[0] == types[1] && types[0].isGeneral
        case .comparesFloats: return result == .i32 && types[0] == types[1] && types[0].isFloat
        case .selects: return types == [.i32, result, result] && result != .none
        case .wraps: return result == .i32 && types == [.i64]
        case .extends: return result == .i64 && types == [.i32]
        case .bitcasts:
            return result.bits == types[0].bits && result != types[0] && result != .v128
        case .promotes: return result == .f64 && types == [.f32]
        case .demotes: return result == .f32 && types == [.f64]
        case .converts: return result.isFloat && types[0].isInteger
        case .truncates: return result.isInteger && types[0].isFloat
        case .vector: return result == .v128 && types.allSatisfy { $0 == .v128 }
        case .vectorUnary:
            return result == .v128
                ? isNumber(types[0]) || types[0] == .v128 : result == .i32 && types[0] == .v128
        case .vectorBinary:
            return result == .v128 && types[0] == .v128 && (types[1] == .v128 || types[1] == .i32)
        case .extractsLane:
            return isNumber(result) && types[0] == .v128 && instruction.c < 16
        case .replacesLane:
            return result == .v128 && types[0] == .v128 && isNumber(types[1]) && instruction.c < 16
        case .address: return isSoundAccess(instruction, types)
        case .atomic: return isSoundAtomic(instruction, types)
        case .condition: return result == .none && types == [.i32]
        case .allocates: return result == .ref && types == [.i64, .i32, .i32]
        case .testsType: return result == .i32 && types == [.ref, .i32]
        }
    }

    private static func isNumber(_ type: IRType) -> Bool { type.isInteger || type.isFloat }

    private static func isSoundAccess(_ instruction: Instruction, _ types: [IRType]) -> Bool {
        let hasIndex = !instruction.second.isNone
        let width = instruction.access.width
        guard types[0] == .i64, !hasIndex || types[1].isInteger else { return false }
        switch instruction.operator {
        case .load: return fits(width, instruction.type)
        case .loadLane: return instruction.type == .v128 && types.last == .v128 && isLane(width)
        case .storeLane: return instruction.type == .none && types.last == .v128 && isLane(width)
        default:
            guard instruction.type == .none, let stored = types.last else { return false }
            switch width {
            case .full: return true
            case .unsigned8, .unsigned16: return stored.isInteger
            case .unsigned32: return stored == .i64
            default: return false
            }
        }
    }

    private static func isSoundAtomic(_ instruction: Instruction, _ types: [IRType]) -> Bool {
        let hasIndex = !instruction.second.isNone
        guard instruction.type.isInteger, types[0] == .i64, !hasIndex || types[1].isInteger
        else { return false }
        for place in (hasIndex ? 2 : 1)..<max(types.count, 2)
        where place < types.count && types[place] != instruction.type {
            return false
        }
        switch instruction.access.width {
        case .full, .unsigned8, .unsigned16: return true
        case .unsigned32: return instruction.type == .i64
        default: return false
        }
    }

    /// Whether a load of `width` makes a value of `type`.
    private static func fits(_ width: AccessWidth, _ type: IRType) -> Bool {
        switch width {
        case .full: type != .none
        case .signed8, .unsigned8, .signed16, .unsigned16: type.isInteger
        case .signed32, .unsigned32: type == .i64
        case .extend8x8Signed, .extend8x8Unsigned, .extend16x4Signed, .extend16x4Unsigned,
            .extend32x2Signed, .extend32x2Unsigned, .splat8, .splat16, .splat32, .splat64,
            .zero32, .zero64:
            type == .v128
        case .lane8, .lane16, .lane32, .lane64: false
        }
    }

    private static func isLane(_ width: AccessWidth) -> Bool {
        switch width {
        case .lane8, .lane16, .lane32, .lane64: true
        default: false
        }
    }
}
