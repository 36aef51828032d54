import ApusAssembler
import Testing

@testable import ApusVectors

/// Which shuffles are one instruction, and of which operands.
@Suite struct ShufflePlanTests {
    private static func lanes(_ lane: (UInt8) -> UInt8) -> ShuffleLanes { ShuffleLanes(lane) }

    /// The method as text: the instruction, its immediate, and how its operands are taken.
    private static func describe(
        _ lanes: ShuffleLanes, _ operands: ShufflePlan.Operands = [],
        _ options: VectorOptions = [.avx, .avx2]
    ) -> String {
        let plan = ShufflePlan(lanes, operands, options)
        let taken = (plan.takesSecondAsA ? "b" : "a") + (plan.takesSecondAsB ? "b" : "a")
        return switch plan.method {
        case .lookup: "lookup \(taken)"
        case .lookups: "lookups \(taken)"
        case .plan(.identity): "identity \(taken)"
        case .plan(.unary(let op)): "\(op) \(taken)"
        case .plan(.unaryImmediate(let op, let byte)): "\(op) \(byte) \(taken)"
        case .plan(.operation(let op, let isSwapped)):
            "\(op) \(taken)" + (isSwapped ? " swapped" : "")
        case .plan(.immediate(let op, let byte, let isSwapped)):
            "\(op) \(byte) \(taken)" + (isSwapped ? " swapped" : "")
        case .plan: "something else"
        }
    }

    @Test func lanesOfOneVector() {
        #expect(Self.describe(Self.lanes { $0 }) == "identity aa")
        #expect(Self.describe(Self.lanes { $0 + 16 }) == "identity bb")
        #expect(Self.describe(Self.lanes { $0 + 16 }, .isSame) == "identity aa")
        #expect(Self.describe(Self.lanes { 12 - $0 / 4 * 4 + $0 % 4 }) == "pshufd 27 aa")
        #expect(Self.describe(Self.lanes { $0 < 8 ? $0 ^ 2 : $0 }) == "pshuflw 177 aa")
        #expect(Self.describe(Self.lanes { $0 < 8 ? $0 : $0 ^ 2 }) == "pshufhw 177 aa")
        #expect(Self.describe(Self.lanes { _ in 0 }) == "vpbroadcastb aa")
        #expect(Self.describe(Self.lanes { $0 % 2 }) == "vpbroadcastw aa")
        #expect(Self.describe(Self.lanes { _ in 0 }, [], .avx) == "lookup aa")
        #expect(Self.describe(Self.lanes { $0 / 2 + 24 }) == "punpckhbw bb")
        #expect(Self.describe(Self.lanes { ($0 + 3) & 15 }) == "palignr 3 aa")
        #expect(Self.describe(Self.lanes { $0 ^ 7 }) == "lookup aa")
    }

    @Test func lanesOfBothVectors() {
        #expect(Self.describe(Self.lanes { $0 / 2 + $0 % 2 * 16 }) == "punpcklbw ab")
        #expect(Self.describe(Self.lanes { $0 / 2 + 16 - $0 % 2 * 16 }) == "punpcklbw ab swapped")
        #expect(Self.describe(Self.lanes { $0 + 5 }) == "palignr 5 ab swapped")
        #expect(Self.describe(Self.lanes { ($0 + 21) & 31 }) == "palignr 5 ab")
        #expect(Self.describe(Self.lanes { $0 < 4 ? $0 + 16 : $0 }) == "vpblendd 1 ab")
        #expect(Self.describe(Self.lanes { $0 < 4 ? $0 + 16 : $0 }, [], .avx) == "pblendw 3 ab")
        #expect(Self.describe(Self.lanes { $0 < 2 ? $0 + 16 : $0 }) == "pblendw 1 ab")
        #expect(
            Self.describe(Self.lanes { $0 < 8 ? $0 % 4 : $0 % 4 + 16 }) == "shufps 0 ab")
        #expect(
            Self.describe(Self.lanes { $0 < 8 ? $0 % 4 + 16 : $0 % 4 }) == "shufps 0 ab swapped")
        #expect(Self.describe(Self.lanes { $0 == 0 ? 17 : $0 }) == "lookups ab")
    }

    @Test func lanesBesidesZero() {
        let extended = Self.lanes { $0 % 2 == 0 ? $0 / 2 : 30 }
        #expect(Self.describe(extended, .isSecondZero) == "pmovzxbw aa")
        #expect(Self.describe(extended.map { $0 ^ 16 }, .isFirstZero) == "pmovzxbw bb")
        #expect(Self.describe(Self.lanes { $0 < 8 ? $0 : 31 }, .isSecondZero) == "movq aa")
        #expect(Self.describe(Self.lanes { $0 + 4 }, .isSecondZero) == "lookup aa")
        #expect(Self.describe(Self.lanes { $0 + 4 }, .isFirstZero) == "lookup bb")
    }
}
