internal import ApusFormat

/// Validators of callees that are taken into their callers, into each other: what one has learned
/// of a callee is needed until the callees in it have been taken in.
struct CalleeValidators: ~Copyable {
    private let module: DecodedModule
    private var outer: FunctionValidator?
    private var middle: FunctionValidator?
    private var inner: FunctionValidator?

    /// How many callees can be in each other.
    static var depthLimit: Int { 3 }

    init(_ module: DecodedModule) {
        self.module = module
        outer = FunctionValidator(module)
    }

    /// The validator for callees at `depth`, until it is given back.
    mutating func take(_ depth: Int) -> FunctionValidator {
        let present =
            switch depth {
            case 0: outer.take()
            case 1: middle.take()
            default: inner.take()
            }
        return present ?? FunctionValidator(module)
    }

    mutating func giveBack(_ validator: consuming FunctionValidator, _ depth: Int) {
        switch depth {
        case 0: outer = consume validator
        case 1: middle = consume validator
        default: inner = consume validator
        }
    }
}
