#include "server/models.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace sw {

std::string_view name(Models::State state) {
  switch (state) {
    case Models::State::unloaded:
      return "unloaded";
    case Models::State::loading:
      return "loading";
    case Models::State::ready:
      return "ready";
    case Models::State::failed:
      return "failed";
  }
  return "";
}

void Models::Jobs::add(std::function<void()> job) {
  {
    const std::scoped_lock lock(mutex);
    if (!stopping) {
      queue.push_back(std::move(job));
      changed.notify_one();
      return;
    }
  }
  job();  // the thread is gone
}

void Models::Jobs::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [&] { return stopping || !queue.empty(); });
    if (queue.empty()) return;
    const auto job = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

Models::Models(std::vector<ModelConfig> configs, EngineOptions options, int n_threads, Delivery::Post post)
    : options_(std::move(options)), post_(std::move(post)), compute_(std::make_shared<Compute>(n_threads)) {
  for (ModelConfig& config : configs) {
    auto entry = std::make_unique<Entry>();
    entry->info.config = std::move(config);
    entries_.push_back(std::move(entry));
  }
  thread_ = std::jthread([jobs = jobs_] { jobs->run(); });
}

Models::~Models() {
  for (auto& entry : entries_) {
    const std::scoped_lock lock(mutex_);
    entry->info.model.reset();
  }
  {
    const std::scoped_lock lock(jobs_->mutex);
    jobs_->stopping = true;
    jobs_->changed.notify_one();
  }
  thread_.join();
}

Models::Entry* Models::find_entry(const std::string& wanted) {
  if (wanted.empty()) return entries_.empty() ? nullptr : entries_.front().get();
  for (auto& entry : entries_) {
    const ModelConfig& config = entry->info.config;
    if (config.name == wanted ||
        std::find(config.aliases.begin(), config.aliases.end(), wanted) != config.aliases.end())
      return entry.get();
  }
  return nullptr;
}

void Models::acquire(const std::string& wanted, Ready ready) {
  std::unique_lock lock(mutex_);
  Entry* entry = find_entry(wanted);
  if (!entry) {
    std::vector<std::string> names;
    for (const auto& one : entries_) names.push_back(one->info.config.name);
    lock.unlock();
    return ready(refuse(404, fmt::format("there is no model '{}' here, only {}", wanted, fmt::join(names, ", ")),
                        "model_not_found", "model"));
  }
  entry->last_used = std::chrono::steady_clock::now();
  if (entry->info.state == State::ready) {
    auto model = entry->info.model;
    lock.unlock();
    return ready(std::move(model));
  }
  entry->waiting.push_back(std::move(ready));
  start_loading(*entry);
}

void Models::start_loading(Entry& entry) {
  if (entry.info.state == State::loading) return;
  entry.info.state = State::loading;
  jobs_->add([this, &entry] { load(entry); });
}

void Models::load(Entry& entry) {
  auto loaded = ServedModel::load(entry.info.config, compute_, options_, post_);
  std::shared_ptr<ServedModel> model;
  // Whoever lets go of it last must not wait for its thread to end: that is for the thread of the models.
  if (loaded) model = {loaded->release(), [jobs = jobs_](ServedModel* last) { jobs->add([last] { delete last; }); }};

  std::unique_lock lock(mutex_);
  entry.info.state = model ? State::ready : State::failed;
  entry.info.error = model ? "" : loaded.error().message();
  entry.info.model = model;
  entry.last_used = std::chrono::steady_clock::now();
  const auto waiting = std::exchange(entry.waiting, {});
  const std::string error = entry.info.error;
  lock.unlock();
  for (const Ready& ready : waiting)
    if (model)
      ready(model);
    else
      ready(refuse(503, "the model could not be loaded: " + error, "model_not_loaded", "model"));
}

void Models::preload(std::function<void(const std::string&)> done) {
  struct Progress {
    std::atomic<int> left;
    std::mutex mutex;
    std::string error;
    std::function<void(const std::string&)> done;
  };
  auto progress = std::make_shared<Progress>();
  progress->done = std::move(done);
  std::vector<std::string> names;
  for (const auto& entry : entries_)
    if (entry->info.config.preload) names.push_back(entry->info.config.name);
  progress->left = static_cast<int>(names.size());
  if (names.empty()) return progress->done("");
  for (const std::string& wanted : names)
    acquire(wanted, [progress](Api<std::shared_ptr<ServedModel>> model) {
      if (!model) {
        const std::scoped_lock lock(progress->mutex);
        if (progress->error.empty()) progress->error = model.error().message;
      }
      if (progress->left.fetch_sub(1) == 1) progress->done(progress->error);
    });
}

void Models::unload(const std::string& wanted, std::function<void(Api<void>)> done) {
  std::unique_lock lock(mutex_);
  Entry* entry = find_entry(wanted);
  if (!entry || wanted.empty()) {
    lock.unlock();
    return done(refuse(404, fmt::format("there is no model '{}' here", wanted), "model_not_found", "model"));
  }
  auto model = std::exchange(entry->info.model, nullptr);
  if (entry->info.state == State::ready) entry->info.state = State::unloaded;
  lock.unlock();
  jobs_->add([model = std::move(model), done = std::move(done)]() mutable {
    if (model) model->engine().drain(std::chrono::hours(1));
    model.reset();
    done({});
  });
}

void Models::unload_idle() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::string> idle;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& entry : entries_) {
      const double limit = entry->info.config.keep_warm_s;
      if (limit < 0 || entry->info.state != State::ready) continue;
      const EngineStats stats = entry->info.model->engine().stats();
      if (stats.queued > 0 || stats.running > 0)
        entry->last_used = now;
      else if (std::chrono::duration<double>(now - entry->last_used).count() > limit)
        idle.push_back(entry->info.config.name);
    }
  }
  for (const std::string& one : idle) unload(one, [](const Api<void>&) {});
}

std::vector<Models::Info> Models::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Info> infos;
  for (const auto& entry : entries_) infos.push_back(entry->info);
  return infos;
}

std::optional<Models::Info> Models::find(const std::string& wanted) const {
  const std::scoped_lock lock(mutex_);
  const Entry* entry = const_cast<Models*>(this)->find_entry(wanted);
  return entry && !wanted.empty() ? std::optional(entry->info) : std::nullopt;
}

bool Models::all_preloaded() const {
  const std::scoped_lock lock(mutex_);
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& entry) {
    return !entry->info.config.preload || entry->info.state == State::ready || entry->info.state == State::unloaded;
  });
}

void Models::drain(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (const Info& info : list()) {
    if (!info.model) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (!info.model->engine().drain(std::max(left, std::chrono::milliseconds(0)))) info.model->engine().stop();
  }
}

}  // namespace sw
