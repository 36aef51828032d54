import Testing

@testable import ApusSandbox

/// Who waits for whom.
@Suite struct AdmissionTests {
    /// Nobody goes through all who wait for one of them, and who has gone is forgotten.
    @Test func manyWaitAndGiveUp() async throws {
        let count = 2000
        let admission = Admission(1)
        try await admission.enter()
        let tasks = (0..<count).map { number in
            Task {
                try await admission.enter()
                admission.leave()
                return number
            }
        }
        while admission.keptCount < count { await Task.yield() }
        for task in tasks.reversed().prefix(count - 100) { task.cancel() }
        var cancelled = 0
        for task in tasks.suffix(count - 100) {
            if case .failure(is CancellationError) = await task.result { cancelled += 1 }
        }
        #expect(cancelled == count - 100)
        // Of those who have given up nothing is left.
        #expect(admission.keptCount <= 2 * 100 + 16)
        admission.leave()
        for (number, task) in tasks.prefix(100).enumerated() {
            #expect(try await task.value == number)
        }
        #expect(admission.keptCount <= 16)
        try await admission.enter()
        admission.leave()
    }

    @Test func whoCameFirstIsNext() async throws {
        let admission = Admission(1)
        try await admission.enter()
        let (order, entered) = AsyncStream<Int>.makeStream()
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<50 {
            tasks.append(
                Task {
                    try await admission.enter()
                    entered.yield(number)
                    admission.leave()
                })
            while admission.keptCount <= number { await Task.yield() }
        }
        admission.leave()
        for task in tasks { try await task.value }
        entered.finish()
        var seen: [Int] = []
        for await number in order { seen.append(number) }
        #expect(seen == Array(0..<50))
    }
}
