/// Which task runs, to be compared with others that have not ended.
struct TaskIdentity: Hashable, Sendable {
    private let address: UInt

    /// The task that runs this; nil: it is run by none.
    static var current: TaskIdentity? {
        // SAFETY: a task is a reference, of which nothing is used but where it points to.
        unsafe withUnsafeCurrentTask { task in
            unsafe task.map { TaskIdentity(address: unsafe unsafeBitCast($0, to: UInt.self)) }
        }
    }
}
