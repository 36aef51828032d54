import ApusABI
import ApusFormat
import Testing

/// Packed arguments lie where Swift has them, so that neither side converts anything.
struct ArgumentLayoutTests {
    private typealias Mixed = (Int32, Double, Float, Int32, Int64, Int32, UInt64)
    private struct Frame {
        var result: UInt64
        var arguments: Mixed
    }

    @Test func packedArgumentsLieAsInTuples() {
        let type = FunctionType([.i32, .f64, .f32, .i32, .i64, .i32, .i64], [.i64])
        let offsets: [Int?] = [
            MemoryLayout.offset(of: \Mixed.0), MemoryLayout.offset(of: \Mixed.1),
            MemoryLayout.offset(of: \Mixed.2), MemoryLayout.offset(of: \Mixed.3),
            MemoryLayout.offset(of: \Mixed.4), MemoryLayout.offset(of: \Mixed.5),
            MemoryLayout.offset(of: \Mixed.6),
        ]
        let first = MemoryLayout.offset(of: \Frame.arguments) ?? 0
        let layout = ArgumentLayout.packed
        #expect(layout.parameterOffsets(type).map(Int.init) == offsets.map { first + ($0 ?? 0) })
        #expect(Int(layout.bytes(type)) == MemoryLayout<Frame>.size)
    }

    @Test func onlyNumbersAndOneResultArePacked() {
        #expect(ArgumentLayout.packed.fits(FunctionType([.i32, .f64], [.externref])))
        #expect(!ArgumentLayout.packed.fits(FunctionType([.i32, .v128], [])))
        #expect(!ArgumentLayout.packed.fits(FunctionType([.funcref], [])))
        #expect(!ArgumentLayout.packed.fits(FunctionType([], [.i32, .i32])))
        #expect(!ArgumentLayout.packed.fits(FunctionType([.i32], [.v128])))
        #expect(ArgumentLayout.packed.simplified(for: FunctionType([], [.i32])) == .cells)
    }
}
