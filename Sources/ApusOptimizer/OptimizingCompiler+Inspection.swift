public import ApusFormat
internal import ApusIR

/// What a function is between two stages of the optimizing compiler.
public enum IntermediateForm: Sendable {
    /// The function in static single assignment form, after the passes.
    case ir
    /// The function in instructions of the machine, with registers given out.
    case machine
}

extension OptimizingCompiler {
    /// Function `index` as it is when it has reached `form`, as text; nil if its body has something
    /// that this compiler does not do. Offsets, behind `@`, count from the body's start.
    public mutating func text(
        _ index: Int, _ analysis: borrowing BodyAnalysis, as form: IntermediateForm
    ) -> String? {
        guard improve(index, analysis) else { return nil }
        switch form {
        case .ir: return translator.builder.function.text(offsets: true)
        case .machine:
            guard generator.prepare(translator.builder.function, as: index) else { return nil }
            return generator.selector.machine.text(generator.allocation, for: HostTarget.self)
        }
    }

    /// The lines of function `index` in each of `forms`, which come from one compilation, with the
    /// offsets of what they were made of; what callees that were taken in are made of counts as the
    /// call. Empty if its body has something that this compiler does not do.
    public mutating func lines(
        _ index: Int, _ analysis: borrowing BodyAnalysis, as forms: [IntermediateForm]
    ) -> [[(text: String, offset: UInt32?)]] {
        guard improve(index, analysis) else { return [] }
        let ir = translator.builder.function.lines()
        guard generator.prepare(translator.builder.function, as: index) else { return [] }
        let machine = generator.selector.machine.lines(
            generator.allocation, for: HostTarget.self)
        return forms.map { $0 == .ir ? ir : machine }
    }
}
