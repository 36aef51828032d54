import Apus
import ApusFormat
import ApusTestSupport
import Testing

/// Every numeric instruction on edge values, with its operands in every form and its result in
/// every use, as the reference interpreter computes it, whoever compiles.
///
/// `APUS_OPERAND_PAIRS` is the greatest number of argument pairs for each function.
@Suite struct OperandFormTests {
    @Test(arguments: OperandForms.all)
    func sameAsReference(_ forms: OperandForms) throws {
        let module = try ValidModule.decode(forms.bytes)
        let referenceStore = ReferenceStore()
        let reference = try ReferenceInstance(module, in: referenceStore, imports: [])
        // Where guests can be stopped all operands have the same form.
        let compilations = Compilation.allCases.filter { $0 != .debuggable }
        let instances = try compilations.map { compilation in
            let store = Store(Engine(compilation.configuration))
            return try Instance(store, Module(store.engine, bytes: forms.bytes))
        }
        for (index, address) in reference.functions.enumerated() {
            let functions = try instances.map { try $0.function("f\(index)") }
            for arguments in Self.arguments(forms.parameters, index) {
                let expected = Outcome { try referenceStore.call(address, arguments) }
                for (function, compilation) in zip(functions, compilations) {
                    let found = Outcome {
                        try function.call(arguments.map { Value($0) }).map { ReferenceValue($0) }
                    }
                    guard expected == found else {
                        Issue.record(
                            """
                            \(forms.name), \(compilation), f\(index)\(arguments): \(found), \
                            expected \(expected)
                            """)
                        return
                    }
                }
            }
        }
    }

    /// All edge values, or all pairs of them; if they are too many, some that differ from
    /// function to function.
    private static func arguments(_ types: [ValueType], _ function: Int) -> [[ReferenceValue]] {
        let first = OperandForms.edges(types[0])
        guard types.count == 2 else { return first.map { [$0] } }
        let second = OperandForms.edges(types[1])
        let most = TestEnvironment.number("APUS_OPERAND_PAIRS", standard: 60)
        if first.count * second.count <= most {
            return first.flatMap { left in second.map { [left, $0] } }
        }
        var choices = ChoiceSource(seed: UInt64(function))
        return (0..<most).map { _ in [choices.pick(first), choices.pick(second)] }
    }
}
