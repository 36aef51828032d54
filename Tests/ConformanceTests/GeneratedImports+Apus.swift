import Apus
import ApusFormat
import ApusTestSupport

extension GeneratedImports {
    /// The same function for Apus.
    static func function(
        _ store: Store, _ type: FunctionType, _ body: @escaping Body
    ) throws -> Function {
        try Function(store, type) { _, arguments in
            try body(arguments.map { ReferenceValue($0) }).map { Value($0) }
        }
    }
}
