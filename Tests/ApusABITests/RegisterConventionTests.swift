import ApusABI
import ApusFormat
import Testing

/// The rules of calls, over registers that no processor has.
@Suite struct RegisterConventionTests {
    /// Three registers for general arguments, one for floats; two and one for results.
    private enum FewRegisters: RegisterConvention {
        static var generalArgumentCount: Int { 3 }
        static var floatArgumentCount: Int { 1 }
        static var generalResultCount: Int { 2 }
        static var floatResultCount: Int { 1 }
        static func generalArgument(_ index: Int) -> Int { 10 + index }
        static func floatArgument(_ index: Int) -> String { "f\(index)" }
        static func generalResult(_ index: Int) -> Int { 20 + index }
        static func floatResult(_ index: Int) -> String { "r\(index)" }
    }

    @Test func eachKindTakesItsRegistersThenTheStack() {
        let type = FunctionType([.i32, .f32, .i64, .v128, .externref, .f64, .i32], [])
        let locations = parameterLocations(type, FewRegisters.self)
        let bytes = FewRegisters.parameterStackBytes(type)
        #expect(
            locations == [
                .general(10), .float("f0"), .general(11), .stack(0), .general(12), .stack(16),
                .stack(24),
            ])
        #expect(bytes == 32)
    }

    @Test func whoHasResultsOnTheStackIsToldWhere() {
        let type = FunctionType([.i32], [.i32, .i32, .i32, .f64, .f64])
        let results = resultLocations(type, FewRegisters.self)
        let area = FewRegisters.resultStackBytes(type)
        #expect(
            results == [.general(20), .general(21), .stack(0), .float("r0"), .stack(8)])
        #expect(area == 16)
        // The address is the last word of stack arguments that are a multiple of 16.
        let bytes = FewRegisters.parameterStackBytes(type)
        #expect(bytes == 16)
        #expect(FewRegisters.resultPointerOffset(in: bytes) == 8)
    }

    @Test func withoutResultsOnTheStackThereIsNothing() {
        #expect(FewRegisters.parameterStackBytes(FunctionType([.i32], [.i32, .f32])) == 0)
    }
}

func parameterLocations<Convention: RegisterConvention>(
    _ type: FunctionType, _ convention: Convention.Type
) -> [Convention.Location] {
    var locations: [Convention.Location] = []
    convention.forEachParameter(type) { index, location in
        #expect(index == locations.count)
        locations.append(location)
    }
    return locations
}

func resultLocations<Convention: RegisterConvention>(
    _ type: FunctionType, _ convention: Convention.Type
) -> [Convention.Location] {
    var locations: [Convention.Location] = []
    convention.forEachResult(type) { index, location in
        #expect(index == locations.count)
        locations.append(location)
    }
    return locations
}
