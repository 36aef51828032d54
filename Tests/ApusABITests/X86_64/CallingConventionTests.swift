import ApusAssembler
import ApusFormat
import Testing

@testable import ApusABI

@Suite struct CallingConventionTests {
    @Test func argumentsTakeRegistersThenTheStack() {
        let type = FunctionType(Array(repeating: .i32, count: 9) + [.f64, .externref])
        let locations = parameterLocations(type, CallingConvention.self)
        let bytes = CallingConvention.parameterStackBytes(type)
        #expect(locations[0] == .general(.rdi))
        #expect(locations[7] == .general(.r10))
        #expect(locations[8] == .stack(0))
        #expect(locations[9] == .float(.xmm0))
        #expect(locations[10] == .stack(8))
        #expect(bytes == 16)
    }

    @Test func resultsTakeRegistersThenTheResultArea() {
        let type = FunctionType([], [.i64, .f32, .i64, .i64, .i64, .i64, .funcref])
        let locations = resultLocations(type, CallingConvention.self)
        let bytes = CallingConvention.resultStackBytes(type)
        #expect(locations[0] == .general(.rax))
        #expect(locations[1] == .float(.xmm0))
        #expect(locations[4] == .general(.rsi))
        #expect(locations[5] == .stack(0))
        #expect(locations[6] == .stack(8))
        #expect(bytes == 16)
    }

    @Test func noRegisterHasTwoRoles() {
        let arguments = Set(CallingConvention.generalArguments)
        #expect(arguments.count == CallingConvention.generalArguments.count)
        #expect(arguments.isDisjoint(with: CallingConvention.calleeSaved))
        let special = [CallingConvention.context, CallingConvention.scratch, .rsp, .rbp]
        #expect(arguments.isDisjoint(with: special))
        #expect(Set(CallingConvention.calleeSaved).isDisjoint(with: special))
        #expect(!CallingConvention.floatArguments.contains(CallingConvention.floatScratch))
    }
}
